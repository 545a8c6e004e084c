#include "jobs/shim_image.h"

extern "C" {
// Of shim_bytes.S.
extern const char callsheetShimBegin[];
extern const char callsheetShimEnd[];
}

namespace callsheet {
inline namespace v1 {

std::string_view shimImage() {
  return {callsheetShimBegin, static_cast<std::size_t>(callsheetShimEnd - callsheetShimBegin)};
}

}  // namespace v1
}  // namespace callsheet
