// An executor of the kind `resize` in C++: straight on the store, from a process of its own, with no server between.
// TERM: the task in hand is finished, no other one taken. Any death loses nothing: what was in hand comes back at once.
#include <callsheet/executor.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <thread>

using namespace callsheet;

struct Resized {
  std::int64_t pixels = 0;
  std::string by;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(pixels), CEREAL_NVP(by));
  }
};

struct Resize {
  static constexpr std::int64_t partMs = 200;
  std::int64_t width = 0;
  std::int64_t ms = 100;  // how long this example pretends to work
  Resized execute(JobContext& context) const {
    // In parts, with a sign of life before each: so it may take longer than the definition's inProgressTimeout.
    for (std::int64_t left = ms; left > 0; left -= partMs) {
      context.progress(0, "cpp " + std::to_string(::getpid()));
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min(left, partMs)));
    }
    return {width * width, "cpp"};
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(width), CEREAL_NVP(ms));
  }
};

int main(int count, char** arguments) {  // executor LOCATION ID
  if (count != 3) return 2;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread is there, so that all of them leave it to sigwait
  JobDirectorOptions options;
  options.workers = 1;
  Executor executor(JobDirectorID(arguments[2]), arguments[1], "cpp", JobTypes{}.add<Resize>("resize"), options);
  executor.start();
  int signal = 0;
  sigwait(&signals, &signal);
  return executor.stop(std::chrono::seconds(30)).leftRunning == 0 ? 0 : 1;
}
