#include "jobs/echo_machine.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/duration_text.h"
#include "core/json_payload.h"
#include "ipc/write_all.h"

namespace callsheet {
inline namespace v1 {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;
using What = EchoStatement::What;

constexpr std::string_view blanks = " \t";
constexpr std::string_view levels[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};

std::string upper(std::string_view word) {
  // Not std::toupper: that one asks the locale.
  std::string text(word);
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

struct Halves {
  std::string_view word;
  std::string_view rest;  ///< behind one blank, as it is
};
Halves halvesOf(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  const auto blank = text.find_first_of(blanks);
  return {text.substr(0, blank), blank == text.npos ? std::string_view() : text.substr(blank + 1)};
}

std::string quoted(std::string_view text) {
  constexpr std::size_t shown = 40;
  return "'" + replaceInvalidUtf8(text.substr(0, shown)) + (text.size() > shown ? "...'" : "'");
}

template <class Number>
bool parseNumber(std::string_view text, Number& number) {
  const auto [read, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && read == text.data() + text.size();
}

/// One line on its way to becoming a statement.
class LineReader {
 public:
  LineReader(std::size_t number, std::string_view line) : number_(number), halves_(halvesOf(line)) {}

  [[nodiscard]] bool isComment() const { return halves_.word.empty() || halves_.word.front() == '#'; }
  [[nodiscard]] std::string word() const { return upper(halves_.word); }
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorKind::invalid, "Line " + std::to_string(number_) + ": " + why);
  }

  /// Nothing for what does nothing.
  [[nodiscard]] std::optional<EchoStatement> statement() const {
    const std::string name = word();
    if (name == "ECHO") return EchoStatement{.what = What::echo, .text = std::string(halves_.rest)};
    if (name == "LOG") return logLine();
    if (name == "SLEEP") return pause();
    if (name == "RETURN") return end();
    if (name == "RAISE") return EchoStatement{.what = What::raise, .text = std::string(trimmed(halves_.rest))};
    if (name != "USE")
      refuse("there is no statement " + quoted(halves_.word) +
             "; there are ECHO, LOG, SLEEP, RETURN, RAISE, USE and CLEANUP.");
    requireUse();
    return std::nullopt;
  }
  void requireNothingBehind() const {
    if (!trimmed(halves_.rest).empty()) refuse(word() + " stands alone, without " + quoted(halves_.rest) + ".");
  }

 private:
  [[nodiscard]] EchoStatement logLine() const {
    const auto [given, text] = halvesOf(halves_.rest);
    const std::string level = upper(given);
    if (std::find(std::begin(levels), std::end(levels), level) == std::end(levels))
      refuse("LOG takes DEBUG, INFO, WARNING, ERROR or CRITICAL and a text, and not " + quoted(given) + ".");
    return {.what = What::log, .text = std::string(text), .level = level};
  }
  [[nodiscard]] EchoStatement pause() const {
    const auto text = trimmed(halves_.rest);
    constexpr auto most = std::chrono::duration<double>(limits::delayMax);
    double seconds = 0;
    if (!parseNumber(text, seconds) || !std::isfinite(seconds) || std::signbit(seconds) || seconds > most.count())
      refuse("SLEEP takes a number of seconds, such as 2.5, of ten years at most, and not " + quoted(text) + ".");
    return {.what = What::sleep, .pause = std::chrono::ceil<microseconds>(std::chrono::duration<double>(seconds))};
  }
  [[nodiscard]] EchoStatement end() const {
    const auto text = trimmed(halves_.rest);
    std::int64_t ignored = 0;
    if (!text.empty() && !parseNumber(text, ignored))
      refuse("RETURN takes a whole number or nothing, and not " + quoted(text) + ".");
    return {.what = What::end};
  }
  void requireUse() const {
    const auto [mode, names] = halvesOf(halves_.rest);
    const std::string word = upper(mode);
    if ((word != "SHARED" && word != "EXCLUSIVE") || trimmed(names).empty())
      refuse("USE takes SHARED or EXCLUSIVE and the names of what is used.");
  }

  std::size_t number_;
  Halves halves_;
};

/// Runs one of a program's two parts.
class PartRun {
 public:
  PartRun(int output, int stop, std::optional<steady_clock::time_point> until)
      : output_(output), stop_(stop), until_(until) {}

  [[nodiscard]] EchoEnd run(const std::vector<EchoStatement>& part) const {
    for (const EchoStatement& statement : part) {
      if (const auto end = wait(statement.what == What::sleep ? statement.pause : microseconds{0})) return *end;
      if (statement.what == What::end) return EchoEnd::normal;
      if (statement.what == What::raise) {
        log("ERROR",
            statement.text.empty() ? "An exception was raised." : "An exception was raised: " + statement.text);
        return EchoEnd::raised;
      }
      if (statement.what == What::echo) write(statement.text + "\n");
      if (statement.what == What::log) log(statement.level, statement.text);
    }
    return EchoEnd::normal;
  }

 private:
  /// Why there is nothing more to do, or nothing when the time has passed.
  [[nodiscard]] std::optional<EchoEnd> wait(microseconds pause) const {
    const auto wanted = steady_clock::now() + pause;
    for (;;) {
      const auto end = until_ ? std::min(wanted, *until_) : wanted;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now());
      pollfd watched{stop_, POLLIN, 0};
      const auto timeout = std::clamp<std::int64_t>(left.count(), 0, 60'000);
      if (::poll(&watched, 1, static_cast<int>(timeout)) > 0) return EchoEnd::stopped;
      const auto now = steady_clock::now();
      if (until_ && now >= *until_) {
        log("ERROR", "The cleanup took too long and was ended.");
        return EchoEnd::raised;
      }
      if (now >= wanted) return std::nullopt;
    }
  }
  void log(const std::string& level, const std::string& text) const {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    write(formatUtc(std::chrono::duration_cast<microseconds>(now).count()) + " " + level + " " + text + "\n");
  }
  void write(std::string_view text) const {
    if (!writeAll(output_, text)) throw systemError("the output cannot be written", errno);
  }

  int output_;
  int stop_;
  std::optional<steady_clock::time_point> until_;
};

}  // namespace

EchoProgram::EchoProgram(const std::vector<std::string>& lines) {
  auto* part = &main_;
  for (std::size_t index = 0; index < lines.size(); ++index) {
    std::string_view line = lines[index];
    if (line.ends_with('\r')) line.remove_suffix(1);
    const LineReader reader(index + 1, line);
    if (line.find('\0') != line.npos) reader.refuse("it holds a zero byte.");
    if (reader.isComment()) continue;
    if (reader.word() == "CLEANUP") {
      reader.requireNothingBehind();
      if (part == &cleanup_) reader.refuse("CLEANUP stands there a second time.");
      part = &cleanup_;
    } else if (auto statement = reader.statement()) {
      part->push_back(*std::move(statement));
    }
  }
}

EchoEnd EchoProgram::run(const Surroundings& surroundings) const {
  const EchoEnd end = PartRun(surroundings.output, surroundings.stop, std::nullopt).run(main_);
  const auto until = steady_clock::now() + surroundings.cleanupMax;
  const EchoEnd cleaned = PartRun(surroundings.output, -1, until).run(cleanup_);
  return end == EchoEnd::normal ? cleaned : end;
}

}  // namespace v1
}  // namespace callsheet
