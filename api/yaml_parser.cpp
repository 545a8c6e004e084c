#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "api/body_builder.h"
#include "api/yaml_body.h"
#include "callsheet/errors.h"
#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view coreTag = "tag:yaml.org,2002:";

std::string placeOf(const YAML::Mark& mark) {
  return "(line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) + ")";
}

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::invalid, why + ".");
}

[[noreturn]] void refuse(const std::string& why, const YAML::Mark& mark) {
  refuse(why + " " + placeOf(mark));
}

/// Hears of one document; a throw ends the parser's recursion, so that nothing goes deeper than the builder lets it.
class BodyHandler : public YAML::EventHandler {
 public:
  explicit BodyHandler(std::string_view text) : text_(text) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (hasDocument_) refuse("it has more than one document", mark);
    hasDocument_ = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    count(mark, anchor);
    if (builder_.wantsKey()) {
      builder_.key(nullText(mark), placeOf(mark));
      keyAt_ = mark.pos;
      return;
    }
    // The parser lets a key without a colon pass, as of a body that was cut off; then its null stands where the key
    // does.
    if (keyAt_ == mark.pos && !inFlow_.empty() && !inFlow_.back()) refuse("a key has no colon", mark);
    builder_.value(nullptr);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse("aliases are not taken", mark); }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { refuse("anchors are not taken", mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& scanned) override {
    count(mark, anchor);
    const std::string text = repaired(scanned);
    Json value = typed(mark, tag, text);
    if (!builder_.wantsKey()) return builder_.value(std::move(value));
    if (tag == "?" && text == "<<") refuse("merge keys are not taken", mark);
    builder_.key(text, placeOf(mark));
    keyAt_ = mark.pos;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    startContainer(mark, tag, anchor, "seq");
    inFlow_.push_back(style == YAML::EmitterStyle::Flow);
    builder_.startArray(placeOf(mark));
  }
  void OnSequenceEnd() override {
    inFlow_.pop_back();
    builder_.end();
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    startContainer(mark, tag, anchor, "map");
    inFlow_.push_back(style == YAML::EmitterStyle::Flow);
    builder_.startObject(placeOf(mark));
  }
  void OnMapEnd() override { OnSequenceEnd(); }

  [[nodiscard]] Json take() { return builder_.take(); }

 private:
  void count(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) refuse("anchors are not taken", mark);
    if (++nodes_ > yamlNodesMax) refuse("it has more than " + std::to_string(yamlNodesMax) + " values", mark);
  }

  void startContainer(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, std::string_view kind) {
    count(mark, anchor);
    if (builder_.wantsKey()) refuse("a list or a map is not closed, or is a key, which must be a text", mark);
    if (tag != "?" && tag != "!" && tag != std::string(coreTag) + std::string(kind)) refuseTag(mark, tag);
  }

  [[noreturn]] static void refuseTag(const YAML::Mark& mark, const std::string& tag) {
    refuse("the tag '" + tag.substr(0, 64) + "' is not taken here", mark);
  }

  /// The parser makes one byte each of the escapes `\N` and `\_` (next line and hard space, U+0085 and U+00A0).
  static std::string repaired(std::string_view text) {
    std::string whole;
    for (auto at = findInvalidUtf8(text); at != text.npos; at = findInvalidUtf8(text)) {
      whole += text.substr(0, at);
      whole += '\xC2';
      whole += text[at];
      text.remove_prefix(at + 1);
    }
    return whole += text;
  }

  /// "?" is the tag of what is plain, "!" that of what is quoted or in a block.
  static Json typed(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
    if (tag == "!" || tag == std::string(coreTag) + "str") return text;
    Json value;
    try {
      value = plainYaml(text);
    } catch (const Error& error) {
      std::string sentence = error.what();
      sentence.pop_back();
      throw Error(ErrorKind::invalid, sentence + " " + placeOf(mark) + ".");
    }
    if (tag == "?") return value;
    if (!tag.starts_with(coreTag)) refuseTag(mark, tag);
    const auto kind = tag.substr(coreTag.size());
    if (kind == "float" && value.is_number()) return value.get<double>();
    const bool fits = (kind == "null" && value.is_null()) || (kind == "bool" && value.is_boolean()) ||
                      (kind == "int" && value.is_number_integer());
    if (!fits) refuseTag(mark, tag);
    return value;
  }

  /// The parser does not say how a null key is written.
  std::string nullText(const YAML::Mark& mark) const {
    const auto rest = text_.substr(std::min(text_.size(), static_cast<std::size_t>(std::max(mark.pos, 0))));
    for (const char* word : {"~", "null", "Null", "NULL"})
      if (rest.starts_with(word)) return word;
    refuse("a key is missing", mark);
  }

  std::string_view text_;
  BodyBuilder builder_;
  std::vector<bool> inFlow_;  // of each open container
  int keyAt_ = -1;            // where the last key stands
  std::size_t nodes_ = 0;
  bool hasDocument_ = false;
};

}  // namespace

Json parseYaml(std::string_view text) {
  // YAML has no other control characters, and the parser would take one of them for the end of the text.
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto letter = static_cast<unsigned char>(text[at]);
    if ((letter < 0x20 && letter != '\t' && letter != '\n' && letter != '\r') || letter == 0x7F)
      refuse("there is a control character at byte " + std::to_string(at));
  }
  BodyHandler handler(text);
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(handler)) refuse("it has no value");
    while (parser.HandleNextDocument(handler)) {
    }
  } catch (const YAML::Exception& error) {
    refuse("it is not YAML: " + error.msg.substr(0, 200), error.mark);
  }
  return handler.take();
}

}  // namespace v1
}  // namespace callsheet
