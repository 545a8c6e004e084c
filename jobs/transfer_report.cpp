#include "jobs/transfer_report.h"

#include "callsheet/errors.h"
#include "callsheet/json_archive.h"

namespace callsheet {
inline namespace v1 {

std::optional<TransferReport> transferReportFrom(const std::string& text) {
  if (text.empty()) return std::nullopt;
  TransferReport report;
  try {
    fromJson(text, report);
  } catch (const Error&) {
    return std::nullopt;
  }
  return report;
}

}  // namespace v1
}  // namespace callsheet
