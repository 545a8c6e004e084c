#pragma once
#include <catch2/catch.hpp>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "core/duration_text.h"
#include "core/schedule/timing.h"
#include "tests/support/verbs.h"

// What the tests of schedules share.
namespace callsheet::tests {

/// UTC us of "2026-12-06T09:00:00Z".
[[nodiscard]] inline std::int64_t utc(const std::string& text) {
  return parseUtc(text);
}

[[nodiscard]] inline std::string textOf(std::int64_t utcMicros) {
  const std::time_t seconds = utcMicros / second;
  std::tm time{};
  ::gmtime_r(&seconds, &time);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &time);
  return text;
}

/// The first few firings, as text.
[[nodiscard]] inline std::vector<std::string> firings(const Timing& timing, const std::string& after,
                                                      std::size_t count) {
  std::vector<std::string> all;
  for (std::int64_t at = utc(after); all.size() < count;) {
    const auto next = nextFiring(timing, at);
    if (!next) break;
    REQUIRE(*next > at);
    at = *next;
    all.push_back(textOf(at));
  }
  return all;
}

[[nodiscard]] inline std::uint64_t bits(std::initializer_list<unsigned> numbers) {
  std::uint64_t set = 0;
  for (const unsigned number : numbers) set |= std::uint64_t{1} << number;
  return set;
}

/// What a program prints; nothing when it is not there.
[[nodiscard]] inline std::string outputOf(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>/dev/null").c_str(), "r"), &::pclose);
  std::string text;
  char piece[4096];
  for (std::size_t size = 0; pipe && (size = std::fread(piece, 1, sizeof piece, pipe.get())) > 0;)
    text.append(piece, size);
  return text;
}

[[nodiscard]] inline bool isInstalled(const std::string& program) {
  if (!outputOf("command -v " + program).empty()) return true;
  std::cout << "SKIPPED: " << program << " is not installed\n";
  return false;
}

}  // namespace callsheet::tests
