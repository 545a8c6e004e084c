#include "tests/process/tree_jobs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/process/test_jobs.h"

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

}  // namespace callsheet::tests
