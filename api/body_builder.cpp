#include "api/body_builder.h"

#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>
#include <vector>

#include "callsheet/errors.h"
#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {

namespace {

std::string shortened(const std::string& text) {
  constexpr std::size_t shown = 64;
  return text.size() <= shown ? text : replaceInvalidUtf8(text.substr(0, shown)) + "...";
}

std::string withPlace(std::string_view place) {
  return place.empty() ? "." : " " + std::string(place) + ".";
}

}  // namespace

struct BodyBuilder::Frame {
  Json* container;
  std::unordered_set<std::string> names;  // ordered_json would look through all members for each new one
  std::string name;                       // of the next value
  bool isNamed = false;
};

struct BodyBuilder::State {
  Json root;
  std::vector<Frame> open;
};

BodyBuilder::BodyBuilder() : state_(std::make_unique<State>()) {}
BodyBuilder::~BodyBuilder() = default;

Json* BodyBuilder::put(Json value) {
  if (state_->open.empty()) {
    state_->root = std::move(value);
    return &state_->root;
  }
  Frame& frame = state_->open.back();
  if (frame.container->is_array()) {
    auto& items = frame.container->get_ref<Json::array_t&>();
    items.push_back(std::move(value));
    return &items.back();
  }
  // Past ordered_map's own insertion, which searches.
  using Members = std::vector<std::pair<const std::string, Json>, Json::object_t::allocator_type>;
  static_assert(std::is_base_of_v<Members, Json::object_t>);
  Members& members = frame.container->get_ref<Json::object_t&>();
  members.emplace_back(std::move(frame.name), std::move(value));
  frame.isNamed = false;
  return &members.back().second;
}

void BodyBuilder::enter(Json container, std::string_view place) {
  if (state_->open.size() >= jsonDepthMax)
    throw Error(ErrorKind::invalid,
                "The body is nested deeper than " + std::to_string(jsonDepthMax) + withPlace(place));
  // The addresses of open containers stay: nothing is put into a container while one inside it is open.
  Json* entered = put(std::move(container));
  state_->open.push_back({entered, {}, {}, false});
}

void BodyBuilder::startObject(std::string_view place) {
  enter(Json::object(), place);
}

void BodyBuilder::startArray(std::string_view place) {
  enter(Json::array(), place);
}

void BodyBuilder::end() {
  state_->open.pop_back();
}

void BodyBuilder::key(std::string name, std::string_view place) {
  Frame& frame = state_->open.back();
  if (!frame.names.insert(name).second)
    throw Error(ErrorKind::invalid,
                "The body has the key '" + shortened(name) + "' twice" + whereObject() + withPlace(place));
  frame.name = std::move(name);
  frame.isNamed = true;
}

void BodyBuilder::value(Json value) {
  put(std::move(value));
}

bool BodyBuilder::wantsKey() const {
  return !state_->open.empty() && state_->open.back().container->is_object() && !state_->open.back().isNamed;
}

std::string BodyBuilder::whereObject() const {
  std::string pointer;
  for (std::size_t level = 0; level + 1 < state_->open.size(); ++level) {
    const Json& container = *state_->open[level].container;  // the open one is its last
    pointer += "/" + (container.is_array() ? std::to_string(container.size() - 1)
                                           : shortened(container.get_ref<const Json::object_t&>().back().first));
  }
  return pointer.empty() ? "" : " at " + pointer;
}

std::string BodyBuilder::where() const {
  if (state_->open.empty()) return {};
  const Frame& frame = state_->open.back();
  const std::string object = whereObject();
  return (object.empty() ? " at " : object) + "/" +
         (frame.container->is_array() ? std::to_string(frame.container->size()) : shortened(frame.name));
}

Json BodyBuilder::take() {
  return std::move(state_->root);
}

}  // namespace v1
}  // namespace callsheet
