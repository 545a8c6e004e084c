// A transfer is the whole job's, whoever asks for it and whatever the others do meanwhile.
#include "tests/core/tree_stage.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

std::atomic<int> asking{0};

/// Asks for the transfer once so many are about to.
struct Asker : ResultJob<int> {
  static constexpr JobKind kind{"asker"};
  int number = 0;
  int together = 1;
  Asker() = default;
  Asker(int n, int t) : number(n), together(t) {}
  int execute(JobContext& context) {
    ++asking;
    waitOrAbort([this] { return asking >= together; });
    context.transferToPrincipal();
    return number;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(number), CEREAL_NVP(together));
  }
};

class Transfers : public Stage {
 public:
  explicit Transfers(unsigned workers) : Stage(workers) {
    asking = 0;
    memory.isPrincipalNow = false;
  }
  void requireTransfer() {
    const Verb* end = attempt();
    REQUIRE(end != nullptr);
    REQUIRE(std::holds_alternative<Transfer>(*end));
    CHECK_FALSE(memory.named("asker"));  // it came to nothing yet
    memory.isPrincipalNow = true;
  }
};

}  // namespace

TEST_CASE("Two steps that ask for the transfer at one moment are one transfer") {
  Transfers stage(2);
  Root::bindTotal = [](JobInput<int>& total) {
    Sum sum;
    sum.left = Asker{1, 2};
    sum.right = Asker{2, 2};
    total = sum;
  };
  stage.requireTransfer();
  CHECK(asking == 2);
  CHECK(runs["sum"] == 0);
  CHECK(stage.result() == "3");
  CHECK(asking == 4);
}

TEST_CASE("A transfer that is asked for by a step which another one's code runs is the job's") {
  Transfers stage(1);
  Root::bindTotal = [](JobInput<int>& total) { total = 1; };
  SECTION("run, and let through") {
    Root::body = [](JobContext& context, int) { return context.run(Asker{5, 1}); };
  }
  SECTION("its result looked at") {
    Root::body = [](JobContext& context, int) {
      const auto result = context.result(Asker{5, 1});
      return result.isSuccess() ? result.value() : -1;
    };
  }
  SECTION("run, and every exception swallowed") {
    Root::body = [](JobContext& context, int) {
      try {
        return context.run(Asker{5, 1});
      } catch (...) {
        return -1;
      }
    };
  }
  stage.requireTransfer();
  CHECK(stage.memory.transferRequests == 1);
  CHECK(stage.result() == "5");
}

TEST_CASE("A step that fails after another one asked for the transfer fails the job in the principal, not before") {
  Transfers stage(2);
  Root::bindTotal = [&](JobInput<int>& total) {
    Sum sum;
    sum.left = Asker{1, 2};
    sum.right = Number{0} | map("fails", [&stage](int) -> int {
                  ++asking;
                  waitOrAbort([&] { return stage.memory.transferRequests >= 1; });
                  throw JobError("on-purpose", "it fails");
                });
    total = sum;
  };
  stage.requireTransfer();
  REQUIRE(stage.memory.named("fails"));
  CHECK(stage.memory.named("fails")->state == MemoState::failed);
  CHECK(stage.failure().type == "on-purpose");
  CHECK(asking == 2);  // nobody wants the other one any more
}
