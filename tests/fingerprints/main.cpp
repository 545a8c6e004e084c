// Prints `name fingerprint` for a fixed set of jobs, which goes through every row of docs/fingerprint.md. Compiled by
// two compilers; both outputs are compared with golden.txt.
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <iostream>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "callsheet/errors.h"
#include "callsheet/job.h"
#include "tests/fingerprints/repeated_steps.h"

using namespace callsheet;

namespace {
struct Versioned {
  int x = 5;
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(CEREAL_NVP(x));
  }
};
}  // namespace
CEREAL_CLASS_VERSION(Versioned, 3)

namespace {

template <class Job>
void print(std::string_view name, Job job) {
  const Fingerprint fingerprint = detail::asAnyJob(std::move(job)).node()->fingerprint();
  std::cout << name << ' ' << fingerprint.toString() << '\n';
}

/// A job of one parameter.
template <class T>
struct Holder : ResultJob<int> {
  static constexpr JobKind kind{"holder"};
  T value{};

  Holder() = default;
  explicit Holder(T v) : value(std::move(v)) {}
  int execute() { return 0; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(value));
  }
};

template <class T>
void printValue(std::string_view name, T value) {
  print(name, Holder<T>(std::move(value)));
}

template <class Integer>
void printLimits(const std::string& name) {
  printValue(name + "-min", std::numeric_limits<Integer>::min());
  printValue(name + "-max", std::numeric_limits<Integer>::max());
}

enum class Colour : std::uint8_t { red, violet = 200 };
enum class Offset : std::int16_t { back = -300, none = 0 };
enum Plain { plainFirst, plainSecond };

struct Point {
  int x = 1;
  int y = -2;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(x), CEREAL_NVP(y));
  }
};
/// With members that have no names.
struct Unnamed {
  int x = 1;
  std::string text = "two";
  template <class Archive>
  void serialize(Archive& archive) {
    archive(x, text);
  }
};
/// With save and load, outside of the class.
struct Outside {
  std::vector<Point> points{{}, {3, 4}};
};
template <class Archive>
void save(Archive& archive, const Outside& outside) {
  archive(cereal::make_nvp("points", outside.points));
}
template <class Archive>
void load(Archive& archive, Outside& outside) {
  archive(cereal::make_nvp("points", outside.points));
}
struct Derived : Point {
  bool isFilled = true;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Point>(this), CEREAL_NVP(isFilled));
  }
};
/// One plain value to every archive.
struct Minimal {
  std::string text = "minimal";
  template <class Archive>
  std::string save_minimal(const Archive&) const {
    return text;
  }
  template <class Archive>
  void load_minimal(const Archive&, const std::string& from) {
    text = from;
  }
};
struct Empty {
  template <class Archive>
  void serialize(Archive&) {}
};

/// The same kind as Holder, of another version.
struct Newer : ResultJob<int> {
  static constexpr JobKind kind{"holder", 2};
  int value = 1;
  int execute() { return 0; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(value));
  }
};

struct Inputs : ResultJob<int> {
  static constexpr JobKind kind{"inputs"};
  JobInput<int> one;
  JobInput<std::optional<int>> perhaps;
  std::vector<JobInput<int>> several;
  int execute() { return 0; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(one), CEREAL_NVP(perhaps), CEREAL_NVP(several));
  }
};
/// Binds its input to what its parameter says.
struct Binding : ResultJob<int> {
  static constexpr JobKind kind{"binding"};
  int value = 0;
  JobInput<int> input;
  void bindInputs() {
    if (value != 0) input = Holder<int>(value);
  }
  int execute() { return 0; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(value), CEREAL_NVP(input));
  }
};
struct Doing : ExecutableJob {
  static constexpr JobKind kind{"doing"};
  int number = 0;
  void execute() {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(number));
  }
};

void printNumbers() {
  printValue("bool-true", true);
  printValue("bool-false", false);
  printLimits<std::int8_t>("int8");
  printLimits<std::int16_t>("int16");
  printLimits<std::int32_t>("int32");
  printLimits<std::int64_t>("int64");
  printLimits<std::uint8_t>("uint8");
  printLimits<std::uint16_t>("uint16");
  printLimits<std::uint32_t>("uint32");
  printLimits<std::uint64_t>("uint64");
  // The last of each is the first that needs a byte more.
  for (const int value : {0, 1, 127, 128, 16383, 16384}) printValue("int-" + std::to_string(value), value);
  for (const int value : {1, 127, 128}) printValue("int-minus-" + std::to_string(value), -value);
  printValue("char", 'A');
  printValue("long-long", 42LL);
  printValue("size", std::size_t{42});
  printValue("enum-uint8", Colour::violet);
  printValue("enum-negative", Offset::back);
  printValue("enum-plain", plainSecond);
  printValue("duration-seconds", std::chrono::seconds{90});
  printValue("duration-negative", std::chrono::microseconds{-90});
  printValue("time",
             std::chrono::sys_time<std::chrono::microseconds>{std::chrono::microseconds{1'700'000'000'000'000}});
}

void printReals() {
  for (const auto& [name, value] : {std::pair{"tenth", 0.1},
                                    {"zero", 0.0},
                                    {"minus-zero", -0.0},
                                    {"negative", -1.5},
                                    {"large", 1e300},
                                    {"infinity", std::numeric_limits<double>::infinity()},
                                    {"smallest", std::numeric_limits<double>::denorm_min()}})
    printValue(std::string("double-") + name, value);
  printValue("float-tenth", 0.1F);
  printValue("float-minus-zero", -0.0F);
  printValue("float-max", std::numeric_limits<float>::max());
  try {
    printValue("double-nan", std::numeric_limits<double>::quiet_NaN());
  } catch (const Error&) {
    std::cout << "double-nan refused\n";
  }
}

void printTexts() {
  printValue("string-empty", std::string());
  printValue("string", std::string("Müller\n"));
  printValue("string-zero-byte", std::string("a\0b", 3));
  printValue("string-of-200", std::string(200, 'x'));
  const auto uuid = Uuid::parse("0189abcd-ef01-7234-8567-89abcdef0123");
  printValue("uuid", *uuid);
  printValue("uuid-nil", Uuid{});
  printValue("job-id", JobID{*uuid});
  printValue("optional-empty", std::optional<int>());
  printValue("optional", std::optional<int>(1));
}

void printContainers() {
  printValue("vector", std::vector<int>{3, 1, 2});
  printValue("vector-empty", std::vector<int>());
  printValue("vector-bool", std::vector<bool>{true, false});
  printValue("vector-nested", std::vector<std::vector<std::string>>{{"a"}, {}, {"b", "c"}});
  printValue("list", std::list<int>{3, 1, 2});
  printValue("deque", std::deque<std::int8_t>{-1, 1});
  printValue("set", std::set<std::string>{"b", "a"});
  printValue("array", std::array<std::uint16_t, 3>{1, 2, 3});
  printValue("pair", std::pair<int, std::string>{1, "one"});
  printValue("tuple", std::tuple<int, bool, double>{1, true, 0.5});
  printValue("map", std::map<std::string, int>{{"b", 2}, {"a", 1}});
  printValue("map-empty", std::map<int, int>());
  printValue("map-nested", std::map<int, std::map<int, Point>>{{1, {{2, {}}}}, {-1, {}}});
}

void printClasses() {
  printValue("class", Point{});
  printValue("class-unnamed-members", Unnamed{});
  printValue("class-save-outside", Outside{});
  printValue("class-derived", Derived{});
  printValue("class-minimal", Minimal{});
  printValue("class-empty", Empty{});
  printValue("class-versioned", Versioned{});
  printValue("class-optional", std::optional<Point>(Point{}));
  print("job-version-2", Newer{});
  print("job-without-result", Doing{});
}

void printInputs() {
  Inputs inputs;
  print("inputs-unbound", inputs);
  inputs.one = 7;
  inputs.perhaps = std::optional<int>();
  inputs.several = {JobInput<int>(1), JobInput<int>(2)};
  print("inputs-constant", inputs);
  inputs.one = Holder<int>(7);
  inputs.perhaps.bind(Holder<int>(8));
  inputs.several[1] = Holder<int>(9);
  print("inputs-bound", inputs);
  Binding binding;
  binding.value = 3;
  print("inputs-bound-by-a-parameter", binding);
}

void printModifiers() {
  const Holder<int> one(1);
  const auto same = [](int value) { return value; };
  RetryPolicy policy;
  policy.maxAttempts = 5;
  policy.firstDelay = std::chrono::milliseconds{250};
  print("modifier-map", one | map("double", [](int value) { return 2.0 * value; }));
  print("modifier-map-of-map", one | map("same", same) | map("same", same));
  print("modifier-map-of-nothing", Doing{} | map("then", [] { return 1; }));
  print("modifier-recover", one | recover("none", [](const JobError&) { return 0; }));
  print("modifier-map-to-result", one | mapToResult());
  print("modifier-retry", one | retry(RetryPolicy{}));
  print("modifier-retry-policy", one | retry(policy));
  print("modifier-retry-named", one | retry(policy, "patiently", [](const JobError&, std::uint32_t) { return true; }));
  print("modifier-timeout", one | timeout(std::chrono::milliseconds{1500}));
  print("modifier-on-start", one | onStart("note", [] {}));
  const auto ofLength = [](const std::string& key) { return Holder<int>(static_cast<int>(key.size())); };
  const std::vector<std::string> keys{"a", "bb"};
  print("modifier-batch", batch(keys, ofLength));
  print("modifier-batch-finish-others", batch(keys, ofLength, BatchPolicy::finishOthers));
  print("modifier-batch-empty", batch(std::vector<std::string>{}, ofLength));
  print("modifier-batch-without-results", batch(std::vector<int>{-1, 1}, [](int key) {
          Doing doing;
          doing.number = key;
          return doing;
        }));
}

}  // namespace

int main() {
  printNumbers();
  printReals();
  printTexts();
  printContainers();
  printClasses();
  printInputs();
  printModifiers();
  for (const auto& [name, fingerprint] : tests::repeatedSteps())
    std::cout << name << ' ' << fingerprint.toString() << '\n';
  std::cout.flush();
  return std::cout ? 0 : 1;
}
