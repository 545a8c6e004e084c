#include "cli/values.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/duration_text.h"

namespace callsheet {
inline namespace v1 {

namespace {
/// What `parse` throws, with the option's name in front.
template <class Parse>
auto named(std::string_view option, Parse parse) {
  try {
    return parse();
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", option, error.what()));
  }
}
}  // namespace

std::chrono::microseconds durationOf(std::string_view option, const std::string& text) {
  const auto duration = named(option, [&] { return parseDuration(text); });
  if (duration > limits::delayMax)
    throw Error(ErrorKind::invalid, fmt::format("{}: '{}' is longer than ten years", option, text));
  return duration;
}

std::int64_t utcOf(std::string_view option, const std::string& text) {
  return named(option, [&] { return parseUtc(text); });
}

std::string utcSecondsText(std::int64_t micros) {
  std::string text = formatUtc(micros);
  const std::size_t point = text.rfind('.');
  return point == std::string::npos ? text : text.substr(0, point) + "Z";
}

std::pair<std::string, std::string> assignmentOf(std::string_view option, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    throw Error(ErrorKind::usage, fmt::format("{}: '{}' is not of the form NAME=VALUE", option, text));
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

std::string currentDirectory(const std::string& whatToDo) {
  std::error_code error;
  const auto path = std::filesystem::current_path(error);
  if (error) throw systemError("the current directory cannot be named; " + whatToDo, error.value());
  return path.string();
}

std::string bytesText(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 5> names{"bytes", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t name = 0;
  for (; value >= 1024 && name + 1 < names.size(); ++name) value /= 1024;
  return name == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", value, names[name]);
}

}  // namespace v1
}  // namespace callsheet
