// Steps from inside, and waits that outlive the process: docs/jobs.md. order LOCATION ITEM orders; order LOCATION KEY
// yes or no, in another process, answers.
#include <callsheet/job.h>
#include <callsheet/job_director.h>

#include <chrono>
#include <iostream>

using namespace callsheet;
using namespace std::chrono_literals;

struct Reserve : ResultJob<int> {
  static constexpr JobKind kind{"reserve"};
  std::string item;
  int execute() {
    std::cout << "reserved " << item << std::endl;
    return static_cast<int>(item.size());
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(item));
  }
};

struct Order : SubmittableJob {
  std::string item;
  std::string execute(JobContext& context) {
    Reserve reserve;
    reserve.item = item;
    const int shelf = context.run(reserve);  // a step: it is run once
    // This line is none: it is printed again when the answer is there.
    std::cout << "key " << context.externalKey("answer").toString() << std::endl;
    if (!context.await<bool>("answer")) return "declined";
    context.sleep("packing", 100ms);
    return item + " from shelf " + std::to_string(shelf);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(item));
  }
};

int main(int count, char** arguments) {
  if (count < 3) return 2;
  const bool answers = count > 3;
  JobDirector director(JobDirectorID("example"), arguments[1],
                       answers ? JobDirectorMode::assistant("shop") : JobDirectorMode::principal(),
                       JobTypes{}.add<Order>("order"));
  if (answers) {  // no start: it runs nothing
    const auto key = ExternalJobKey::parse(arguments[2]);
    return key && director.complete(*key, std::string(arguments[3]) == "yes") ? 0 : 1;
  }
  director.start();
  Order order;
  order.item = arguments[2];
  const auto status = director.wait(director.submit(order).id, 20s);
  std::cout << (status ? status->result : "no such job") << std::endl;
}
