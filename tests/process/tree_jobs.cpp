#include "tests/process/tree_jobs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/process/test_jobs.h"
#include "tests/support/wait_for.h"

namespace callsheet::tests {

namespace {
std::string stepsIn(const std::string& directory) {
  return directory + "/steps";
}
}  // namespace

void writeStep(const std::string& path) {
  const int file = ::open(stepsIn(stageDirectory()).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  const std::string line = path + "\n";
  if (file < 0 || ::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
  ::close(file);
}

std::map<std::string, int> readSteps(const std::string& directory) {
  std::map<std::string, int> steps;
  std::ifstream file(stepsIn(directory));
  for (std::string path; std::getline(file, path);) ++steps[path];
  return steps;
}

void Branch::bindInputs() {
  std::vector<int> keys;
  for (int i = 0; depth > 0 && i < width; ++i) keys.push_back(i);
  branches = batch(std::move(keys), [this](int key) {
    Branch branch;
    branch.path = path + std::to_string(key);
    branch.depth = depth - 1;
    branch.width = width;
    return branch;
  });
}

std::string Branch::execute(JobContext&) const {
  writeStep(path);
  return path;
}

void TreeJob::bindInputs() {
  Branch branch;
  branch.path = "r";
  branch.depth = depth;
  branch.width = width;
  top = branch;
}

std::string TreeJob::execute(JobContext& context) const {
  if (napMillis > 0) context.sleep("nap", std::chrono::milliseconds{napMillis});
  writeEffect(context);
  return context.execID().toString();
}

std::string AwaitJob::execute(JobContext& context) const {
  writeEffect(context);
  std::ofstream(stageDirectory() + "/key") << context.externalKey("answer").toString();
  return context.execID().toString() + " " + std::to_string(context.await<int>("answer"));
}

std::string readKey(const std::string& directory) {
  std::ifstream file(directory + "/key");
  std::string key;
  file >> key;
  return key;
}

std::string NamedStep::execute(JobContext& context) const {
  writeStep(name);
  // The others have begun by then, so that each is there when the transfer is asked for.
  const auto hasBegun = [](const char* step) { return readSteps(stageDirectory()).contains(step); };
  if (name == "asking") {
    if (before->ends_with("stubborn") && !waitFor([&] { return hasBegun("stubborn"); })) std::abort();
    context.transferToPrincipal();
  }
  if (name == "holding" && !waitFor([&] { return hasFlag("release") || context.isCanceled(); })) std::abort();
  if (name == "holding") context.throwIfCanceled();
  if (name == "stubborn" && !waitFor([] { return hasFlag("release"); })) std::abort();
  return name;
}

void TransferTree::bindInputs() {
  NamedStep first;
  first.name = "before";
  first.before = std::string(withStubborn ? "stubborn" : "");
  NamedStep asker;
  asker.name = "asking";
  asker.before = first | map("pass", [with = withStubborn](const std::string&) {
                   return std::string(with ? "with stubborn" : "alone");
                 });
  asking = asker;
  NamedStep other;
  other.name = "stubborn";
  other.before = std::string();
  if (withStubborn)
    stubborn = other;
  else
    stubborn = std::string();
}

std::string TransferTree::execute(JobContext& context) const {
  writeStep("root");
  writeEffect(context);
  return context.execID().toString();
}

std::string OutsideWork::execute(JobContext& context) const {
  NamedStep begin;
  begin.name = "begun";
  begin.before = std::string();
  context.run(begin);
  writeStep("key " + context.externalKey("finished").toString());
  context.transferToPrincipal();
  context.progress(0.5, "half of it");
  if (!waitFor([] { return hasFlag("seen"); })) std::abort();
  return context.await<std::string>("finished");
}

std::string OutsideTree::execute(JobContext& context) const {
  writeStep("root");
  writeEffect(context);
  return context.execID().toString() + " " + *work;
}

void HoldingTree::bindInputs() {
  NamedStep first;
  first.name = "before";
  first.before = std::string();
  NamedStep holding;
  holding.name = "holding";
  holding.before = first;
  held = holding;
}

std::string HoldingTree::execute(JobContext& context) const {
  writeStep("root");
  writeEffect(context);
  return context.execID().toString();
}

int SleepingStep::execute(JobContext& context) const {
  context.sleep("nap", std::chrono::seconds{1});
  return 1;
}

void SleepingSteps::bindInputs() {
  std::vector<int> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(i);
  steps = batch(std::move(numbers), [](int number) {
    SleepingStep step;
    step.number = number;
    return step;
  });
}

std::string SleepingSteps::execute(JobContext& context) const {
  writeEffect(context);
  int sum = 0;
  for (const auto& [number, one] : *steps) sum += one;
  return context.execID().toString() + " " + std::to_string(sum);
}

std::string BigStepJob::execute(JobContext& context) const {
  writeEffect(context);
  Branch branch;
  branch.path = "small";
  context.run(branch);
  branch.path = std::string((1u << 20) + 1, 'b');
  return context.run(branch | map("short", [](const std::string& path) { return path.substr(0, 10); }));
}

}  // namespace callsheet::tests
