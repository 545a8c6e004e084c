#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "api/json.h"

namespace callsheet {
inline namespace v1 {

/// Builds a body's value from the events of a parser and refuses what no format may contain: deep nesting and repeated
/// keys. Errors are Error(invalid); `place` is added to them, such as "(line 3)".
class BodyBuilder {
 public:
  BodyBuilder();
  BodyBuilder(const BodyBuilder&) = delete;
  BodyBuilder& operator=(const BodyBuilder&) = delete;
  ~BodyBuilder();

  void startObject(std::string_view place = {});
  void startArray(std::string_view place = {});
  void end();
  /// The name of the next value; only in an object.
  void key(std::string name, std::string_view place = {});
  void value(Json value);

  /// Whether an object is open and its next event must be a key.
  [[nodiscard]] bool wantsKey() const;
  /// Where the next value belongs, as a JSON pointer in a phrase: " at /jobs/3"; empty at the top.
  [[nodiscard]] std::string where() const;
  [[nodiscard]] Json take();

 private:
  struct Frame;
  struct State;

  [[nodiscard]] std::string whereObject() const;
  Json* put(Json value);
  void enter(Json container, std::string_view place);

  std::unique_ptr<State> state_;
};

}  // namespace v1
}  // namespace callsheet
