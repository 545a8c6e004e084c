#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// Tells systemd how a service does, by the datagrams that sd_notify(3) describes; nothing where nobody asked for them.
/// Made before the first thread: it takes its variables out of the environment, so that jobs' commands do not speak for
/// the service. Thread-safe afterwards.
class ServiceNotifier {
 public:
  ServiceNotifier();

  /// Lines such as "READY=1". Never throws and never waits: a supervisor that is gone must not stop the service.
  void notify(std::string_view lines) const noexcept;
  /// How often to say "WATCHDOG=1": half of what the supervisor allows. Nothing when it does not watch.
  [[nodiscard]] std::optional<std::chrono::milliseconds> watchdogPeriod() const { return watchdogPeriod_; }

 private:
  std::string socketPath_;
  std::optional<std::chrono::milliseconds> watchdogPeriod_;
};

}  // namespace v1
}  // namespace callsheet
