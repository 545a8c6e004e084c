#include "http/answer_body.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/json_payload.h"
#include "http/http_failure.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Json = nlohmann::ordered_json;  // a result keeps the order in which it was written

Json parsed(std::string_view text) {
  try {
    validateJson(text, AnswerBody::plainBytesMax);
  } catch (const Error&) {
    return Json(Json::value_t::discarded);
  }
  return Json::parse(text, nullptr, false);
}

std::string textOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Whether a line is the first of a flow's stream.
bool beginsFlow(const Json& message) {
  if (!message.is_object()) return false;
  const std::string type = textOf(message, "type");
  return type == "chunk" || type == "outputs" || type == "generation";
}
}  // namespace

void AnswerBody::begin(const HttpHead& head) {
  const std::string& contentType = head.contentType;
  isGood_ = head.status >= 200 && head.status < 300;
  if (!isGood_) {
    form_ = Form::plain;
  } else if (contentType.find("event-stream") != std::string::npos) {
    form_ = Form::events;
  } else if (contentType.find("ndjson") != std::string::npos || contentType.find("jsonl") != std::string::npos) {
    form_ = Form::lines;
  }
}

bool AnswerBody::reject(const std::string& why) {
  rejection_ = why;
  return false;
}

bool AnswerBody::take(std::string_view bytes) {
  total_ += bytes.size();
  excerpt_ += bytes.substr(0, excerptBytes - excerpt_.size());
  if (form_ == Form::plain || form_ == Form::undecided) {
    if (total_ > plainBytesMax) {
      if (!isGood_) return true;  // what it says of its error is in the excerpt
      return reject("the answer has more than " + std::to_string(plainBytesMax) + " bytes");
    }
  } else if (total_ > streamBytesMax) {
    return reject("the stream has more than " + std::to_string(streamBytesMax) + " bytes");
  }
  pending_ += bytes;
  if (form_ == Form::undecided && pending_.find('\n') != std::string::npos)
    form_ = beginsFlow(parsed(pending_.substr(0, pending_.find('\n')))) ? Form::lines : Form::plain;
  return form_ == Form::lines || form_ == Form::events ? takeLines() : true;
}

bool AnswerBody::takeLines() {
  std::size_t from = 0;
  for (std::size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n', from)) {
    if (end - from > lineBytesMax) break;
    takeLine(std::string_view(pending_).substr(from, end - from));
    from = end + 1;
  }
  pending_.erase(0, from);
  if (pending_.size() <= lineBytesMax) return true;
  return reject("a line of the stream has more than " + std::to_string(lineBytesMax) + " bytes");
}

void AnswerBody::takeLine(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (form_ == Form::lines) {
    if (!line.empty()) takeMessage(line);
    return;
  }
  if (line.empty()) return takeEvent();
  if (!line.starts_with("data:")) return;  // a comment, a name, an id
  line.remove_prefix(line.starts_with("data: ") ? 6 : 5);
  if (event_.size() + line.size() <= lineBytesMax) event_.append(event_.empty() ? "" : "\n").append(line);
}

void AnswerBody::takeEvent() {
  if (!event_.empty() && event_ != "[DONE]") takeMessage(event_);
  event_.clear();
}

void AnswerBody::takeMessage(std::string_view text) {
  const Json message = parsed(text);
  if (message.is_discarded()) {
    show_("[no JSON: " + replaceInvalidUtf8(text.substr(0, excerptBytes)) + "]\n");
    return;
  }
  last_ = std::string(text);
  if (!message.is_object()) return show_(last_ + "\n");
  std::string type = textOf(message, "type");
  Json value = message;
  if (type == "chunk") {
    isOfFlow_ = true;
    value = message.value("value", Json());
    if (value.is_string()) return show_(value.get<std::string>());
    type = value.is_object() ? textOf(value, "type") : std::string();
  }
  if (type == "generation") {
    isOfFlow_ = true;
    const std::string state = textOf(value, "state");
    return show_("\n[generation " + textOf(value, "label") + (state == "start" ? " begins" : " ends: " + state) +
                 "]\n");
  }
  if (type == "outputs") {
    isOfFlow_ = true;
    outputs_ = value.value("values", value.value("value", Json::object())).dump();
    return show_("\n[outputs]\n");
  }
  if (type == "error") failure_ = value.dump().substr(0, excerptBytes);
  show_(std::string(text) + "\n");
}

AnswerBody::Result AnswerBody::finish() {
  if (form_ == Form::undecided && beginsFlow(parsed(pending_))) form_ = Form::lines;
  if (form_ == Form::lines || form_ == Form::events) {
    if (!pending_.empty()) takeLine(std::exchange(pending_, {}));
    if (form_ == Form::events) takeEvent();
    if (!failure_.empty() && outputs_.empty()) return {{}, "the stream told of an error: " + failure_, true};
    if (isOfFlow_ && outputs_.empty()) return {{}, "the stream ended without its outputs", true};
  }
  Result result;
  const bool isStream = form_ == Form::lines || form_ == Form::events;
  if (isStream) {
    result.value = isOfFlow_ ? outputs_ : last_.empty() ? "null" : last_;
  } else {
    const Json whole = parsed(pending_);
    result.value = pending_.empty()       ? "null"
                   : whole.is_discarded() ? Json(replaceInvalidUtf8(pending_)).dump()
                                          : whole.dump();
    show_(replaceInvalidUtf8(pending_));
  }
  if (result.value.size() > limits::payloadBytesMax)
    return {{}, "the result has more than " + std::to_string(limits::payloadBytesMax) + " bytes", false};
  return result;
}

}  // namespace v1
}  // namespace callsheet
