#include "cli/transfer_machine.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "callsheet/errors.h"
#include "callsheet/job_context.h"
#include "callsheet/json_archive.h"
#include "callsheet/limits.h"
#include "cli/machine_input.h"
#include "cli/terminal.h"
#include "core/json_payload.h"
#include "http/transfer.h"
#include "ipc/write_all.h"
#include "jobs/transfer_report.h"

namespace callsheet {
inline namespace v1 {

namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds reportPeriod{500};

std::string sizeText(std::uint64_t bytes, const char* unit) {
  constexpr double mebibyte = 1u << 20;
  char text[48];
  std::snprintf(text, sizeof text, "%.1f%s", static_cast<double>(bytes) / mebibyte, unit);
  return text;
}

/// What is known of the transfer, in place of what was said before.
void say(const TransferReport& report) {
  // What reads between the two finds nothing, and looks again.
  if (::ftruncate(machineResult, 0) == 0) static_cast<void>(writeAll(machineResult, toJson(report)));
}

/// What it is about is told in the report while it goes on.
std::string carryOut(const std::string& name, const std::string& parameters, TransferReport& report) {
  const char* const id = std::getenv("CALLSHEET_JOB_ID");
  const std::string job = id == nullptr ? "" : id;
  if (name == "request") return makeRequest(parameters, job);
  std::optional<SteadyClock::time_point> saidAt;
  const TellBytes tell = [&](std::uint64_t bytes, std::optional<std::uint64_t> total) {
    const auto now = SteadyClock::now();
    if (saidAt && now < *saidAt + reportPeriod) return;
    if (!saidAt && name == "download") report.files = filesOnTheWay(parameters);
    saidAt = now;
    const bool isKnown = total.value_or(0) > 0;
    report.share = isKnown ? std::min(1.0, static_cast<double>(bytes) / static_cast<double>(*total)) : 0;
    report.text = isKnown ? sizeText(bytes, " of ") + sizeText(*total, " MiB") : sizeText(bytes, " MiB");
    say(report);
  };
  return name == "download" ? download(parameters, job, tell) : upload(parameters, job, tell);
}

TransferReport endOf(const std::string& name) {
  TransferReport report;
  const auto fail = [&](const std::string& type, const char* message, bool mayTryAgain) {
    report.failure = JobFailure{type, replaceInvalidUtf8(message).substr(0, limits::errorBytesMax), {}, {}};
    report.isRetryable = mayTryAgain;
    tell(message);
  };
  try {
    std::string result = carryOut(name, machineInput(), report);
    if (result.size() <= limits::payloadBytesMax)
      report.result = std::move(result);
    else
      fail("http", "the answer is too large for a result", false);
  } catch (const JobError& error) {
    fail(error.type(), error.what(), error.isRetryable());
    report.leftover = error.result();
    report.leastDelayMicros = error.leastDelay().count();
  } catch (const std::exception& error) {
    fail("error", error.what(), true);
  }
  return report;
}

}  // namespace

int runTransferMachine(const std::string& name) {
  const TransferReport end = endOf(name);
  say(end);
  return end.result ? 0 : 1;
}

}  // namespace v1
}  // namespace callsheet
