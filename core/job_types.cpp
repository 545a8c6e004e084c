#include "callsheet/job_types.h"

#include "core/names.h"

namespace callsheet {
inline namespace v1 {

namespace {
/// A whole job in one function.
class FunctionNode final : public detail::Node {
 public:
  using Run = std::function<std::string(const std::string& parameters, JobContext& context)>;
  FunctionNode(const std::string& kind, std::string parameters, Run run)
      : Node(kind), parameters_(std::move(parameters)), run_(std::move(run)) {}
  detail::NodeStep next(const detail::NodeCall& call) const override {
    detail::NodeOutcome outcome;
    outcome.value = run_(parameters_, call.context);
    return {{}, std::move(outcome), {}};
  }

 private:
  std::string parameters_;
  Run run_;
};
}  // namespace

JobTypes& JobTypes::add(std::string_view kind, std::uint32_t version, FunctionNode::Run run) {
  std::string name(kind);
  insert({name, version, [name, run = std::move(run)](const std::string& parameters) {
            return std::make_shared<FunctionNode>(name, parameters, run);
          }});
  return *this;
}

JobTypes& JobTypes::addDetached(std::string_view kind, std::uint32_t version, BeginDetached begin) {
  insert({std::string(kind), version, {}, std::move(begin)});
  return *this;
}

void JobTypes::insert(Type type) {
  if (!isValidKind(type.kind))
    throw Error(ErrorKind::invalid,
                "'" + type.kind + "' is not a kind: at most 128 of letters, digits, '.', '_', '-' and '/'");
  std::string kind = type.kind;
  if (!types_.emplace(kind, std::move(type)).second)
    throw Error(ErrorKind::usage, "the kind '" + kind + "' was added twice");
}

void JobTypes::insert(Type type, std::type_index index) {
  const auto known = kinds_.find(index);
  if (known != kinds_.end())
    throw Error(ErrorKind::usage, "a type has two kinds: '" + known->second + "' and '" + type.kind + "'");
  std::string kind = type.kind;
  insert(std::move(type));
  kinds_.emplace(index, std::move(kind));
}

const JobTypes::Type* JobTypes::find(std::string_view kind) const {
  const auto found = types_.find(kind);
  return found == types_.end() ? nullptr : &found->second;
}

const JobTypes::Type& JobTypes::typeOf(std::type_index index) const {
  const auto found = kinds_.find(index);
  if (found == kinds_.end())
    throw Error(ErrorKind::usage,
                std::string("the type ") + index.name() + " is not among the director's JobTypes; add it with a kind");
  return types_.find(found->second)->second;
}

std::vector<std::string> JobTypes::kinds() const {
  std::vector<std::string> all;
  for (const auto& [kind, type] : types_) all.push_back(kind);
  return all;
}

}  // namespace v1
}  // namespace callsheet
