// Many steps at once, some of which fail, and a job that follows: docs/jobs.md. totals LOCATION FILE...
#include <callsheet/job.h>
#include <callsheet/job_director.h>

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <chrono>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>

using namespace callsheet;
using namespace std::chrono_literals;

struct MissingFile : std::exception {  // JobTypes{}.addError<MissingFile>(): keeps its members when it is stored
  static constexpr const char* errorType = "missing-file";
  std::string path;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(path));
  }
};

struct CountWords : ResultJob<int> {
  static constexpr JobKind kind{"count-words"};
  std::string path;
  int execute() {
    std::ifstream file(path);
    MissingFile missing;
    missing.path = path;
    if (!file) throw missing;
    using Words = std::istream_iterator<std::string>;
    return static_cast<int>(std::distance(Words(file), Words()));
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(path));
  }
};

struct Screen {
  std::promise<int> total;
};

struct Announce : SubmittableJob {
  int total = 0;
  JobInject<Screen> screen;  // director.injections().set(std::make_shared<Screen>())
  void execute() { screen->total.set_value(total); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(total));
  }
};

struct Totals : SubmittableJob {
  std::vector<std::string> paths;
  JobInput<std::map<std::string, int>> words;
  void bindInputs() {
    words = batch(paths, [](const std::string& path) {
      CountWords count;
      count.path = path;
      return count | retry({.maxAttempts = 2, .firstDelay = 10ms}) | timeout(1min) |
             recover("none", [](const JobError& error) {
               if (!errorAs<MissingFile>(error)) throw JobError(error);
               return 0;
             });
    });
  }
  int execute() {
    int total = 0;
    for (const auto& [path, count] : *words) total += count;
    return total;
  }
  Announce finished(const int& total) const {  // submitted in the transaction in which this job succeeds
    Announce announce;
    announce.total = total;
    return announce;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(paths), CEREAL_NVP(words));
  }
};

int main(int count, char** arguments) {
  if (count < 2) return 2;
  JobDirector director(JobDirectorID("example"), arguments[1], JobDirectorMode::principal(),
                       JobTypes{}.add<Totals>("totals").add<Announce>("announce").addError<MissingFile>());
  const auto screen = std::make_shared<Screen>();
  director.injections().set(screen);
  director.start();
  Totals totals;
  totals.paths.assign(arguments + 2, arguments + count);
  director.submit(totals);
  auto announced = screen->total.get_future();
  if (announced.wait_for(20s) != std::future_status::ready) return 1;
  std::cout << announced.get() << " words\n";
}
