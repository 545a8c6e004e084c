// What a step finds around it, and errors that another build of the program stored.
#include <cereal/types/string.hpp>

#include "tests/core/tree_stage.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

struct Client {
  int number = 0;
};

struct Callers : ResultJob<int> {
  static constexpr JobKind kind{"callers"};
  JobInject<Client, "eu"> eu;
  JobInject<Client, "us"> us;
  JobInject<Client> plain;
  JobEnvironmentValue<env::currentJob> job;
  int execute(JobContext& context) {
    CHECK(job->id() == context.id());
    CHECK(&*job == &context);
    return 100 * eu->number + 10 * us->number + plain->number;
  }
  template <class Archive>
  void serialize(Archive&) {}
};

struct Followed : SubmittableJob {
  static constexpr JobKind kind{"followed"};
  int number = 0;
  void execute() {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(number));
  }
};
struct Silent : SubmittableJob {
  static constexpr JobKind kind{"silent"};
  void execute() {}
  Followed finished() const {
    Followed next;
    next.number = 7;
    return next;
  }
  template <class Archive>
  void serialize(Archive&) {}
};

struct NoRoom {
  static constexpr const char* errorType = "no-room";
  std::string disk;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(disk));
  }
};
/// The same error in a later build.
struct NoRoomToday {
  static constexpr const char* errorType = "no-room";
  int megabytes = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(megabytes));
  }
};

}  // namespace

TEST_CASE("What the process gave is found by its type and its tag") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) { total = Callers{}; };
  const auto give = [&](int number) {
    auto client = std::make_shared<Client>();
    client->number = number;
    return client;
  };
  stage.memory.injected.set(give(1), "eu");
  stage.memory.injected.set(give(2), "us");
  SECTION("each its own") {
    stage.memory.injected.set(give(3));
    CHECK(stage.result() == "123");
  }
  SECTION("and one without a tag is not any of those with one") {
    CHECK(stage.failure().type == "missing-injection");
  }
}

TEST_CASE("A hook that takes nothing follows on a success too") {
  Stage stage;
  stage.types.add<Silent>().add<Followed>();
  stage.row().kind = "silent";
  const Verb* end = stage.attempt();
  REQUIRE(end != nullptr);
  REQUIRE(std::holds_alternative<Succeed>(*end));
  REQUIRE(std::get<Succeed>(*end).then.size() == 1);
  CHECK(std::get<Succeed>(*end).then[0].body.parameters == R"({"number":7})");
}

TEST_CASE("A stored error of a type that this process does not know, or knows otherwise, is a JobError of that type") {
  Stage stage;
  const auto step = Number{1} | map("lose", [](int) -> int { throw NoRoom{"sda"}; });
  static std::optional<JobError> seen;
  seen.reset();
  Root::bindTotal = [](JobInput<int>& total) { total = 1; };
  Root::body = [=](JobContext& context, int) {
    try {
      return context.run(step);
    } catch (const JobError& error) {
      seen = error;
    } catch (const NoRoom& error) {
      return error.disk == "sda" ? 5 : 6;
    }
    return 7;
  };
  stage.types.addError<NoRoom>();
  CHECK(stage.result() == "5");  // stored by a build that knows it
  stage.types = JobTypes{};
  stage.types.add<Root>("root");
  const bool isOtherwise = GENERATE(false, true);
  if (isOtherwise) stage.types.addError<NoRoomToday>();
  CHECK(stage.result() == "7");
  REQUIRE(seen);
  CHECK(seen->type() == "no-room");
  CHECK(seen->origin() == "lose");
  CHECK(errorAs<NoRoom>(*seen)->disk == "sda");
  CHECK_FALSE(errorAs<NoRoomToday>(*seen));
  CHECK(runs["number"] == 1);
}
