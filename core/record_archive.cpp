#include "core/record_archive.h"

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {
namespace detail {

void refuseRecordString(std::size_t size) {
  throw Error(ErrorKind::invalid, "A text or list of " + std::to_string(size) + " does not fit into a record; " +
                                      std::to_string(recordStringBytesMax) + " are allowed.");
}

void refuseRecordDepth() {
  throw Error(ErrorKind::invalid, "A record must not be nested deeper than " + std::to_string(recordDepthMax) + ".");
}

void failRecord(std::size_t offset, const char* why) {
  throw Error(ErrorKind::corrupt, "The record is damaged at byte " + std::to_string(offset) + ": " + why + ".");
}

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
