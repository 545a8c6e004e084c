#include "api/schema_pattern.h"

#include <algorithm>
#include <regex>
#include <string_view>
#include <vector>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {

// The library compiles a repeat by copying, and recurses through what can be skipped.
constexpr std::size_t sizeMax = 1000;

[[noreturn]] void refuse(const std::string& pattern, const std::string& why) {
  throw Error(ErrorKind::invalid, "The schema's pattern '" + pattern.substr(0, patternBytesMax) + "' " + why + ".");
}

/// At the letter behind a backslash. The library takes the letter behind `\c` with it, whatever that is, so what comes
/// then would read otherwise here than there.
void refuseControl(const std::string& pattern, std::size_t at) {
  if (at < pattern.size() && pattern[at] == 'c')
    refuse(pattern, "names a control letter by \\c, which is not supported");
}

/// How far a class reaches that starts at `at`: the index of its `]`.
std::size_t endOfClass(const std::string& pattern, std::size_t at) {
  for (++at; at < pattern.size() && pattern[at] != ']'; ++at) {
    if (pattern[at] == '\\') {
      refuseControl(pattern, ++at);
    } else if (pattern.compare(at, 2, "[:") == 0) {
      at = pattern.find(":]", at);
      if (at == pattern.npos) return pattern.size();
      ++at;
    } else if (std::string_view("(){}[").find(pattern[at]) != std::string_view::npos) {
      // So that no other reading of where the class ends can hide a repeat from sizeOf.
      refuse(pattern, "must escape brackets inside [ ]");
    }
  }
  return at;
}

/// The larger number of `{2}`, `{2,}` or `{2,5}`; moves `at` to the closing brace.
std::size_t repeatsAt(const std::string& pattern, std::size_t& at) {
  std::size_t largest = 0;
  std::size_t number = 0;
  for (++at; at < pattern.size() && pattern[at] != '}'; ++at) {
    number = pattern[at] >= '0' && pattern[at] <= '9'
                 ? std::min<std::size_t>(number * 10 + (pattern[at] - '0'), 100'000)
                 : 0;
    largest = std::max(largest, number);
  }
  return largest;
}

std::size_t sizeOf(const std::string& pattern) {
  std::vector<std::size_t> groups{0};
  std::size_t last = 0;  // of the part that a repeat would repeat
  const auto add = [&](std::size_t size) {
    last = size;
    groups.back() += size;
    if (groups.back() > sizeMax) refuse(pattern, "repeats too much");
  };
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    switch (pattern[at]) {
      case '\\':
        refuseControl(pattern, ++at);
        // The library would only find out after it has read the number, and does not look whether one fits.
        if (at < pattern.size() && pattern[at] >= '1' && pattern[at] <= '9')
          refuse(pattern, "refers back, which is not supported");
        add(1);
        break;
      case '[':
        at = endOfClass(pattern, at);
        add(1);
        break;
      case '(':
        if (pattern.compare(at, 3, "(?=") == 0 || pattern.compare(at, 3, "(?!") == 0)
          refuse(pattern, "looks ahead, which is not supported");
        groups.push_back(0);
        break;
      case ')': {
        if (groups.size() == 1) refuse(pattern, "has a ) too much");
        const std::size_t size = groups.back() + 1;
        groups.pop_back();
        add(size);
        break;
      }
      case '{': {
        const std::size_t each = last;
        const std::size_t count = repeatsAt(pattern, at) + 1;
        add(each * count);
        last = each * count;
        break;
      }
      default:
        add(1);
    }
  }
  return groups.front() + 1;
}

}  // namespace

struct SchemaPattern::Compiled {
  std::regex regex;
};

SchemaPattern::SchemaPattern(const std::string& pattern) {
  if (pattern.size() > patternBytesMax) refuse(pattern, "has more than " + std::to_string(patternBytesMax) + " bytes");
  if (std::any_of(pattern.begin(), pattern.end(), [](char letter) { return static_cast<signed char>(letter) <= 0; }))
    refuse(pattern, "has other letters than ASCII, which are not supported");
  size_ = sizeOf(pattern);
  // The executor that never goes back, and that has no back-references.
  constexpr auto flags = std::regex::ECMAScript | std::regex::nosubs | std::regex_constants::__polynomial;
  try {
    const std::regex alone(pattern, flags);
    // A search would start anew at each letter.
    compiled_ = std::make_shared<const Compiled>(Compiled{std::regex("[\\s\\S]*(?:" + pattern + ")[\\s\\S]*", flags)});
  } catch (const std::regex_error& error) {
    refuse(pattern, "is none that is supported: " + std::string(error.what()));
  }
}

bool SchemaPattern::matches(const std::string& text) const {
  return std::regex_match(text, compiled_->regex);
}

}  // namespace v1
}  // namespace callsheet
