#include "cli/bench/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// Three or more significant digits, thousands apart: 0.812, 14.6, 5,090.
std::string numberText(double value) {
  const double size = std::abs(value);
  if (size < 10) return fmt::format("{:.{}f}", value, size < 1 ? 3 : 2);
  if (size < 100) return fmt::format("{:.1f}", value);
  const std::string digits = fmt::format("{:.0f}", size);
  std::string text(value < 0 ? "-" : "");
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

std::string aimText(const BenchAim& aim) {
  return aim.text.empty() ? fmt::format("{} {}", aim.isAtLeast ? "at least" : "at most", numberText(aim.limit))
                          : aim.text;
}

}  // namespace

double medianOf(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double percentileOf(std::vector<double> values, double percent) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

double BenchRow::min() const {
  return *std::min_element(samples.begin(), samples.end());
}
double BenchRow::max() const {
  return *std::max_element(samples.begin(), samples.end());
}

bool BenchRow::isReached() const {
  if (!aim) return true;
  return aim->isAtLeast ? value >= aim->limit : value <= aim->limit;
}

void BenchReport::add(const std::string& group, const std::string& name, const std::string& unit,
                      const std::vector<double>& samples, std::optional<BenchAim> aim) {
  if (samples.empty()) return;
  rows_.push_back({group, name, unit, medianOf(samples), samples, std::move(aim)});
}

void BenchReport::addPercentile(const std::string& group, const std::string& name, const std::string& unit,
                                double percent, const std::vector<std::vector<double>>& repetitions,
                                std::optional<BenchAim> aim) {
  std::vector<double> all;
  std::vector<double> samples;
  for (const auto& one : repetitions) {
    all.insert(all.end(), one.begin(), one.end());
    if (!one.empty()) samples.push_back(percentileOf(one, percent));
  }
  if (samples.empty()) return;
  rows_.push_back({group, name, unit, percentileOf(std::move(all), percent), std::move(samples), std::move(aim)});
}

void BenchReport::note(const std::string& group, const std::string& sentence) {
  notes_.push_back({group, sentence});
}

void BenchReport::print() const {
  Table table({"GROUP", "WHAT", "VALUE", "MIN", "MAX", "UNIT", "AIM"});
  for (const BenchRow& row : rows_) {
    Table::Cell aim;
    if (row.aim) {
      aim.text = fmt::format("{}: {}", aimText(*row.aim), row.isReached() ? "reached" : "not reached");
      aim.colour = row.isReached() ? Colour::green : Colour::red;
    }
    table.add({{row.group},
               {row.name},
               {numberText(row.value)},
               {numberText(row.min())},
               {numberText(row.max())},
               {row.unit},
               aim});
  }
  table.print();
  for (const Note& note : notes_) printLine(fmt::format("{}: {}", note.group, note.sentence));
}

Json BenchReport::notesJson() const {
  Json notes = Json::array();
  for (const Note& note : notes_) notes.push_back({{"group", note.group}, {"text", note.sentence}});
  return notes;
}

Json BenchReport::json() const {
  Json rows = Json::array();
  for (const BenchRow& row : rows_) {
    Json json;
    json["group"] = row.group;
    json["name"] = row.name;
    json["unit"] = row.unit;
    json["value"] = rounded(row.value);
    json["min"] = rounded(row.min());
    json["max"] = rounded(row.max());
    json["text"] = fmt::format("{} [{}-{}]", numberText(row.value), numberText(row.min()), numberText(row.max()));
    Json samples = Json::array();
    for (const double sample : row.samples) samples.push_back(rounded(sample));
    json["samples"] = std::move(samples);
    if (row.aim)
      json["aim"] = {{"limit", rounded(row.aim->limit)}, {"text", aimText(*row.aim)}, {"reached", row.isReached()}};
    rows.push_back(std::move(json));
  }
  return rows;
}

}  // namespace v1
}  // namespace callsheet
