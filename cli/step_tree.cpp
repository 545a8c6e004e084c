#include "cli/step_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "callsheet/limits.h"
#include "cli/terminal.h"
#include "core/clock.h"
#include "core/duration_text.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::size_t valueShown = 60;

/// What was told of a step last may be over with the attempt that told it.
std::string stateOf(const MemoRow& step, const JobRow& job) {
  if (step.isFinished() || step.state == MemoState::waiting) return std::string(toString(step.state));
  if (job.state == JobState::done) return "unfinished";
  return std::string(toString(job.state == JobState::inProgress ? step.state : MemoState::pending));
}

std::string lineOf(const MemoRow& step, const JobRow& job) {
  std::string line = step.label.empty() || step.label == step.name ? "" : printable(step.label) + ": ";
  line += printable(step.name) + "  ";
  if (step.state == MemoState::waiting) {
    if (step.wakeAt == never) return line + "waiting for its event";
    return line + (step.wakeAt <= SystemClock().now().utcMicros ? "waited until " : "waiting until ") +
           formatUtc(step.wakeAt);
  }
  line += stateOf(step, job);
  if (step.attempts > 1) line += fmt::format(", attempt {}", step.attempts);
  if (!step.isFinished()) return line;
  line += fmt::format(", {}", formatDuration(std::chrono::microseconds{step.tookMicros}));
  if (step.state == MemoState::failed)
    return line + fmt::format("  {}: {}", printable(step.failure.type), printable(step.failure.message));
  if (step.valueBytes == 0) return line;
  if (step.value.empty()) return line + fmt::format("  ({} bytes, gone with the job's end)", step.valueBytes);
  return line + "  " + shortened(printable(step.value), valueShown);
}

/// Prints what stands under a step. Each step stands under the first one that needed it, so this ends.
class Drawing {
 public:
  Drawing(const std::vector<MemoRow>& steps, const JobRow& job) : job_(job) {
    std::set<Fingerprint> known;
    for (const MemoRow& step : steps) known.insert(step.id);
    for (const MemoRow& step : steps)
      under_[known.contains(step.parent) ? step.parent : Fingerprint{}].push_back(&step);
    for (auto& [parent, children] : under_)
      std::sort(children.begin(), children.end(), [](const MemoRow* left, const MemoRow* right) {
        return std::tie(left->label, left->id) < std::tie(right->label, right->id);
      });
  }
  void draw(Fingerprint parent = {}, const std::string& indent = {}) {
    const auto found = under_.find(parent);
    if (found == under_.end()) return;
    for (const MemoRow* step : found->second) {
      const bool isLast = step == found->second.back();
      printLine(indent + (isLast ? "└─ " : "├─ ") + lineOf(*step, job_));
      if (!step->id.isNil()) draw(step->id, indent + (isLast ? "   " : "│  "));
    }
  }

 private:
  const JobRow& job_;
  std::map<Fingerprint, std::vector<const MemoRow*>> under_;
};
}  // namespace

std::vector<MemoRow> readSteps(JobStore& store, const JobRow& row) {
  if (row.memoCount == 0) return {};
  std::vector<MemoRow> steps = store.memos(row.id, {}, limits::treeNodesMax);
  for (MemoRow& step : steps)
    if (auto whole = store.memo(row.id, step.id)) step = std::move(*whole);
  return steps;
}

void printSteps(const std::vector<MemoRow>& steps, const JobRow& job) {
  if (steps.empty()) return;
  printLine("\nsteps:");
  // A step whose parent nothing is known of yet hangs under the root.
  Drawing(steps, job).draw();
}

Json stepsJson(const std::vector<MemoRow>& steps, const JobRow& job) {
  Json all = Json::array();
  for (const MemoRow& step : steps) {
    Json json;
    json["id"] = step.id.toString();
    json["parent"] = step.parent.isNil() ? Json() : Json(step.parent.toString());
    json["label"] = step.label;
    json["name"] = step.name;
    json["state"] = stateOf(step, job);
    json["attempts"] = step.attempts;
    json["storedAt"] = formatUtc(step.storedAt);
    json["tookMicros"] = step.tookMicros;
    if (step.state == MemoState::waiting) json["wakeAt"] = step.wakeAt == never ? Json() : Json(formatUtc(step.wakeAt));
    json["valueBytes"] = step.valueBytes;
    if (!step.value.empty()) json["value"] = Json::parse(step.value, nullptr, false);
    if (step.state == MemoState::failed)
      json["failure"] = {{"type", step.failure.type},
                         {"message", step.failure.message},
                         {"origin", step.failure.origin},
                         {"payload", step.failure.payload}};
    all.push_back(std::move(json));
  }
  return all;
}

}  // namespace v1
}  // namespace callsheet
