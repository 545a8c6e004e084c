// How jobs of several steps end: with errors of their own types, with jobs that follow; and what they find around them.
#include <cereal/types/string.hpp>
#include <optional>
#include <vector>

#include "tests/core/tree_stage.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

struct NotFound : std::exception {
  static constexpr const char* errorType = "not-found";
  std::string path;
  NotFound() = default;
  explicit NotFound(std::string p) : path(std::move(p)) {}
  const char* what() const noexcept override { return "it is not there"; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(path));
  }
};

struct Search : ResultJob<int> {
  static constexpr JobKind kind{"search"};
  std::string path;
  int execute() {
    ++runs["search"];
    if (path == "odd") throw 7;
    if (path == "other") throw std::runtime_error("of another type");
    throw NotFound(path);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(path));
  }
};
Search searchOf(std::string path) {
  Search search;
  search.path = std::move(path);
  return search;
}

/// What follows on an Audited.
struct Note : SubmittableJob {
  static constexpr JobKind kind{"note", 4};
  std::string text;
  void execute() {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(text));
  }
};

struct Audited : SubmittableJob {
  static constexpr JobKind kind{"audited"};
  int number = 0;
  int execute(JobContext& context) {
    Note note;
    note.text = "after";
    SubmitOptions options;
    options.queue = "notes";
    context.submitAfter(note, options);
    if (number < 0) throw JobError("negative", "it is negative");
    return number + 1;
  }
  std::optional<Note> finished(const int& value) const {
    if (number == 13) throw std::runtime_error("no luck");
    if (number == 0) return std::nullopt;
    Note note;
    note.text = "gave " + std::to_string(value);
    return note;
  }
  Note failed(const JobError& error) const {
    if (number == -13) throw std::runtime_error("no luck");
    Note note;
    note.text = error.type();
    return note;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(number));
  }
};

struct Client {
  int calls = 0;
};
struct Caller : ResultJob<int> {
  static constexpr JobKind kind{"caller"};
  JobInject<Client, "eu"> client;
  JobInject<std::vector<int>> numbers;
  JobEnvironmentValue<env::currentJobKey> key;
  JobEnvironmentValue<env::externalKey> external;
  JobEnvironmentValue<env::dynamicJobs> jobs;
  int execute(JobContext& context) {
    CHECK((*key).job == context.id());
    CHECK((*key).step == context.step());
    CHECK_FALSE((*key).step.isNil());
    CHECK((*external).director == "main");
    CHECK((*external).wait == context.externalKey("external").wait);
    ++client->calls;
    return numbers->at(0) + jobs->run(Number{1});
  }
  template <class Archive>
  void serialize(Archive&) {}
};

/// Another version of Number.
template <bool accepts>
struct Number2 : ResultJob<int> {
  static constexpr JobKind kind{"number", 3};
  int value = 0;
  int execute() {
    ++runs["number2"];
    return value;
  }
  static std::optional<int> migrate(std::uint32_t version, const std::string& json) requires accepts {
    if (version != 1 || json == "8") return std::nullopt;
    return fromJson<int>(json) + 100;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(value));
  }
};

struct Optional : SubmittableJob {
  static constexpr JobKind kind{"optional"};
  bool has = false;
  JobInput<std::optional<int>> number;
  void bindInputs() { number.bind(has ? std::optional(Number{4}) : std::nullopt); }
  int execute() { return number->value_or(-1); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(has), CEREAL_NVP(number));
  }
};

/// Bound by its constructor; a constant among its parameters takes the binding's place.
struct ByConstructor : SubmittableJob {
  static constexpr JobKind kind{"by-constructor"};
  static inline bool isLarge = false;
  JobInput<int> number;
  ByConstructor() {
    if (isLarge)
      number = Number{40} | map("more", [](int value) { return value + 2; });
    else
      number = Number{4};
  }
  int execute() { return *number; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(number));
  }
};

/// Bound to itself.
struct SelfBound : ResultJob<int> {
  static constexpr JobKind kind{"self-bound"};
  JobInput<int> more;
  void bindInputs() { more = SelfBound{}; }
  int execute() { return *more; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(more));
  }
};

/// Runs itself, or one that runs this one.
struct Circle : ResultJob<int> {
  static constexpr JobKind kind{"circle"};
  int number = 0;
  int count = 1;
  int execute(JobContext& context) {
    Circle next = *this;
    next.number = (number + 1) % count;
    return context.run(next);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(number), CEREAL_NVP(count));
  }
};
Circle circleOf(int number, int count) {
  Circle circle;
  circle.number = number;
  circle.count = count;
  return circle;
}

const Fail& failOf(const Verb* end) {
  REQUIRE(end != nullptr);
  REQUIRE(std::holds_alternative<Fail>(*end));
  return std::get<Fail>(*end);
}
const Succeed& successOf(const Verb* end) {
  REQUIRE(end != nullptr);
  REQUIRE(std::holds_alternative<Succeed>(*end));
  return std::get<Succeed>(*end);
}

}  // namespace

TEST_CASE("An error of a registered type keeps its type and members, now and in a later attempt") {
  Stage stage;
  stage.types.addError<NotFound>();
  runs["search"] = 0;
  Root::bindTotal = [](JobInput<int>& total) { total = 1; };
  Root::body = [](JobContext& context, int) {
    try {
      context.run(searchOf("a/b"));
    } catch (const NotFound& error) {
      return error.path == "a/b" ? 5 : 6;
    }
    return 7;
  };
  CHECK(stage.result() == "5");
  CHECK(stage.result() == "5");
  CHECK(runs["search"] == 1);

  Root::bindTotal = [](JobInput<int>& total) {
    total = searchOf("c") |
            recover("path", [](const JobError& error) -> int { return errorAs<NotFound>(error).value().path == "c"; });
  };
  Root::body = nullptr;
  CHECK(stage.result() == "1");

  Root::bindTotal = [](JobInput<int>& total) { total = searchOf("d"); };
  const JobFailure failure = stage.failure();
  CHECK(failure.type == "not-found");
  CHECK(failure.message == "it is not there");
  CHECK(failure.origin == "search");
  CHECK(errorAs<NotFound>(failure)->path == "d");
}

TEST_CASE("An error of another type becomes a JobError with type, message and origin") {
  Stage stage;
  runs["search"] = 0;
  Root::bindTotal = [](JobInput<int>& total) { total = searchOf("other"); };
  const JobFailure failure = stage.failure();
  CHECK(failure.type == "error");
  CHECK(failure.message == "of another type");
  CHECK(failure.origin == "search");
  Root::bindTotal = [](JobInput<int>& total) { total = searchOf("odd"); };
  CHECK(stage.failure().type == "error");
  // Registered nowhere: it is a std::exception like any other.
  Root::bindTotal = [](JobInput<int>& total) { total = searchOf("x"); };
  CHECK(stage.failure().type == "error");
  CHECK_FALSE(errorAs<NotFound>(stage.failure()));
}

TEST_CASE("Two error types of one name are refused") {
  JobTypes types;
  types.addError<NotFound>();
  CHECK_THROWS_AS(types.addError<NotFound>(), Error);
}

TEST_CASE("What recover's own function throws takes the failure's place") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) {
    total = Number{-1} | recover("worse", [](const JobError&) -> int { throw JobError("worse", "it got worse"); });
  };
  CHECK(stage.failure().type == "worse");
  CHECK(stage.failure().type == "worse");
}

TEST_CASE("Jobs that follow on a success are made with it") {
  Stage stage;
  stage.types.add<Audited>().add<Note>();
  stage.row().kind = "audited";
  stage.body().parameters = R"({"number":4})";
  const Verb* end = stage.attempt();
  const auto& then = successOf(end).then;
  REQUIRE(then.size() == 2);
  CHECK(then[0].kind == "note");
  CHECK(then[0].body.kindVersion == 4);
  CHECK(then[0].queue == "notes");
  CHECK(then[0].body.parameters == R"({"text":"after"})");
  CHECK(then[1].body.parameters == R"({"text":"gave 5"})");
  stage.body().parameters = R"({"number":0})";
  CHECK(successOf(stage.attempt()).then.size() == 1);
  stage.body().parameters = R"({"number":13})";  // what is to follow is part of what the job does
  CHECK(failOf(stage.attempt()).failure.message == "no luck");
}

TEST_CASE("A job that follows on a failure is made with the last one only") {
  Stage stage;
  stage.types.add<Audited>().add<Note>();
  stage.row().kind = "audited";
  stage.body().parameters = R"({"number":-4})";
  stage.body().retry.maxAttempts = 3;
  CHECK(failOf(stage.attempt()).then.empty());
  stage.row().failures = 2;
  const Verb* end = stage.attempt();
  REQUIRE(failOf(end).then.size() == 1);
  CHECK(failOf(end).then[0].body.parameters == R"({"text":"negative"})");
  stage.body().parameters = R"({"number":-13})";
  const Fail& fail = failOf(stage.attempt());
  CHECK(fail.then.empty());
  CHECK(fail.failure.type == "negative");
  CHECK(fail.failure.message == "it is negative; and its failed hook: no luck");
}

TEST_CASE("A job whose followers are of an unknown type fails, and a step may have none") {
  Stage stage;
  stage.types.add<Audited>();
  stage.row().kind = "audited";
  stage.body().parameters = R"({"number":4})";
  CHECK(failOf(stage.attempt()).failure.message.find("JobTypes") != std::string::npos);

  stage.types.add<Note>();
  stage.row().kind = "root";
  stage.body().parameters = "{}";
  Root::bindTotal = [](JobInput<int>& total) {
    total = Number{1} | onStart("asks", [](JobContext& context) { context.submitAfter(Note{}); });
  };
  CHECK(stage.failure().message.find("only the job itself") != std::string::npos);
}

TEST_CASE("A job that follows and would have other inputs when it is made again is refused where it is named") {
  Stage stage;
  stage.types.add<Sum>();
  const auto outside = [] {
    Sum sum;
    sum.left = Number{1};  // no code of Sum's binds it again
    sum.right = 2;
    return sum;
  };
  Root::body = [&](JobContext& context, int) {
    context.submitAfter(outside());
    return 1;
  };
  Root::bindTotal = [](JobInput<int>& total) { total = 1; };
  CHECK(stage.failure().message.find("would have other inputs") != std::string::npos);
}

TEST_CASE("A job that follows cannot be sent to another director") {
  Stage stage;
  stage.types.add<Note>();
  Root::bindTotal = [](JobInput<int>& total) { total = 1; };
  Root::body = [](JobContext& context, int) {
    SubmitOptions options;
    options.to = "other";
    context.submitAfter(Note{}, options);
    return 0;
  };
  CHECK(stage.failure().message.find("submit one to 'other'") != std::string::npos);
}

TEST_CASE("A job finds its keys, its dynamic jobs and what the process gave for it") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) { total = Caller{}; };
  const auto client = std::make_shared<Client>();
  stage.memory.injected.set(client, "eu");
  SECTION("all of it") {
    stage.memory.injected.set(std::make_shared<std::vector<int>>(1, 41));
    CHECK(stage.result() == "42");
    CHECK(client->calls == 1);
  }
  SECTION("or a typed error") {
    const JobFailure failure = stage.failure();
    CHECK(failure.type == "missing-injection");
    CHECK(failure.message.find("std::vector<int") != std::string::npos);
  }
  CHECK_THROWS_AS(stage.memory.injected.set(client, "eu"), Error);
  CHECK_THROWS_AS(stage.memory.injected.set(std::shared_ptr<Client>()), Error);
  CHECK_THROWS_AS(*JobInject<Client>(), Error);  // no job runs here
}

TEST_CASE("A result of an earlier version is not used, unless the type accepts it") {
  Stage stage;
  runs["number2"] = 0;
  const auto attempts = [&](int value) {
    Root::bindTotal = [=](JobInput<int>& total) { total = Number{value}; };
    CHECK(stage.result() == std::to_string(value));
  };
  attempts(7);
  attempts(8);
  const auto with = [&](auto number, int value) {
    number.value = value;
    Root::bindTotal = [=](JobInput<int>& total) { total = number; };
    return stage.result();
  };
  SECTION("it does not say") {
    CHECK(with(Number2<false>{}, 7) == "7");
    CHECK(runs["number2"] == 1);
  }
  SECTION("it does") {
    CHECK(with(Number2<true>{}, 7) == "107");
    CHECK(runs["number2"] == 0);
    CHECK(with(Number2<true>{}, 7) == "107");
    CHECK(with(Number2<true>{}, 8) == "8");  // this one is refused
    CHECK(runs["number2"] == 1);
    CHECK(with(Number2<true>{}, 9) == "9");
    CHECK(runs["number2"] == 2);
  }
}

TEST_CASE("An input may be bound to a job or to none") {
  Stage stage;
  stage.types.add<Optional>();
  stage.row().kind = "optional";
  stage.body().parameters = R"({"has":true})";
  CHECK(stage.result() == "4");
  stage.body().parameters = R"({"has":false})";
  CHECK(stage.result() == "-1");
}

TEST_CASE("A constructor may bind an input, with branches, and a constant takes its place") {
  Stage stage;
  stage.types.add<ByConstructor>();
  stage.row().kind = "by-constructor";
  for (const auto& [isLarge, result] : {std::pair{false, "4"}, std::pair{true, "42"}}) {
    ByConstructor::isLarge = isLarge;
    CHECK(detail::parametersOf(ByConstructor{}) == R"({"number":null})");
    CHECK(stage.result() == result);
  }
  ByConstructor constant;
  constant.number = 7;
  stage.body().parameters = detail::parametersOf(constant);
  CHECK(stage.result() == "7");
}

TEST_CASE("Parameters that do not fit the type fail the job for good") {
  Stage stage;
  stage.body().parameters = "[]";
  const Verb* end = stage.attempt();
  CHECK(failOf(end).failure.type == "payload");
  CHECK_FALSE(failOf(end).retryable);
}

TEST_CASE("A job that is bound to itself, or whose steps run each other in a circle, fails with an error of its own") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) { total = SelfBound{}; };
  CHECK(stage.failure().type == "tree-depth");
  Root::bindTotal = [](JobInput<int>& total) { total = circleOf(0, 1); };
  CHECK(stage.failure().type == "cycle");
  Root::bindTotal = [](JobInput<int>& total) { total = circleOf(0, 3); };
  CHECK(stage.failure().type == "cycle");
  Root::bindTotal = [](JobInput<int>& total) {
    Sum sum;
    sum.left = circleOf(0, 2);
    sum.right = circleOf(1, 2);
    total = sum;
  };
  const std::string type = stage.failure().type;
  CHECK((type == "cycle" || type == "inputs"));
}
