#include "callsheet/json_archive.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {
namespace detail {

namespace {

using Json = nlohmann::json;

constexpr std::string_view digits = "0123456789abcdef";

std::string_view typeOf(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::boolean:
      return "a boolean";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::number_float:
      return "a number with a fraction or of more than 64 bits";
    default:
      return "an integer";
  }
}

Json parse(std::string_view text, std::size_t maxBytes) {
  // The check comes first, so that a document that is too deep or too large is never built.
  validateJson(text, maxBytes);
  return Json::parse(text.begin(), text.end());
}

}  // namespace

// ---- writing ----

void JsonWriter::begin(char opener) {
  if (frames_.size() >= jsonDepthMax)
    throw Error(ErrorKind::invalid,
                where() + "JSON must not be nested deeper than " + std::to_string(jsonDepthMax) + ".");
  put({&opener, 1});
  frames_.push_back({opener, 0, {}});
}

void JsonWriter::becomeArray() {
  if (frames_.empty() || frames_.back().count > 0 || frames_.back().opener != '{')
    throw Error(ErrorKind::invalid, where() + "a type says its size after its first member, so it has no JSON form.");
  frames_.back().opener = '[';
  text_.back() = '[';
}

void JsonWriter::end() {
  put(frames_.back().opener == '{' ? "}" : "]");
  frames_.pop_back();
}

void JsonWriter::key(std::string_view name) {
  if (frames_.empty()) {
    if (!text_.empty()) throw Error(ErrorKind::invalid, "A JSON document holds one value; a second one was written.");
    implicitObject_ = true;
    beginObject();
  }
  Frame& frame = frames_.back();
  if (frame.opener != '{')
    throw Error(ErrorKind::invalid, where() + "a named value inside a sequence has no JSON form.");
  if (frame.count++ > 0) put(",");
  frame.name = name;
  quote(name);
  put(":");
}

void JsonWriter::item() {
  if (frames_.empty()) {
    if (!text_.empty()) throw Error(ErrorKind::invalid, "A JSON document holds one value; a second one was written.");
    return;
  }
  Frame& frame = frames_.back();
  if (frame.opener == '{') {
    const std::size_t number = frame.count + 1;
    frame.name = {};
    throw Error(ErrorKind::invalid, where() + "member " + std::to_string(number) +
                                        " of an object has no name; write it as CEREAL_NVP(member) in serialize.");
  }
  if (frame.count++ > 0) put(",");
}

void JsonWriter::signedInteger(std::int64_t value) {
  char buffer[24];
  put({buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr});
}

void JsonWriter::unsignedInteger(std::uint64_t value) {
  char buffer[24];
  put({buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr});
}

template <class Float>
void JsonWriter::putFloat(Float value) {
  if (!std::isfinite(value)) throw Error(ErrorKind::invalid, where() + "NaN and infinity have no JSON form.");
  // The shortest digits that read back as the same number; with a fraction always, so that it stays a float elsewhere.
  char buffer[40];
  const std::string_view text(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
  put(text);
  if (text.find_first_of(".e") == text.npos) put(".0");
}

void JsonWriter::number(double value) {
  putFloat(value);
}
void JsonWriter::number(float value) {
  putFloat(value);
}

void JsonWriter::string(std::string_view value) {
  quote(value);
}

void JsonWriter::quote(std::string_view text) {
  if (const auto at = findInvalidUtf8(text); at != text.npos)
    throw Error(ErrorKind::invalid, where() + "a string is not valid UTF-8 (byte " + std::to_string(at) + ").");
  put("\"");
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    put(text.substr(done, at - done));
    done = at + 1;
    switch (byte) {
      case '"':
        put("\\\"");
        break;
      case '\\':
        put("\\\\");
        break;
      case '\b':
        put("\\b");
        break;
      case '\f':
        put("\\f");
        break;
      case '\n':
        put("\\n");
        break;
      case '\r':
        put("\\r");
        break;
      case '\t':
        put("\\t");
        break;
      default: {
        const char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
        put({escape, sizeof escape});
      }
    }
  }
  put(text.substr(done));
  put("\"");
}

void JsonWriter::put(std::string_view text) {
  if (text.size() > maxBytes_ - text_.size())
    throw Error(ErrorKind::invalid,
                "The JSON is larger than the " + std::to_string(maxBytes_) + " bytes that are allowed.");
  text_ += text;
}

std::string JsonWriter::take() {
  if (implicitObject_ && frames_.size() == 1) end();
  implicitObject_ = false;
  frames_.clear();
  return std::exchange(text_, {});
}

std::string JsonWriter::where() const {
  std::string path;
  for (const Frame& frame : frames_) {
    if (frame.opener == '[' && frame.count > 0) path += "/" + std::to_string(frame.count - 1);
    if (frame.opener == '{' && !frame.name.empty()) path += "/" + replaceInvalidUtf8(frame.name);
  }
  return path.empty() ? "at the top: " : "at " + path + ": ";
}

// ---- reading ----

struct JsonReader::Document {
  static constexpr std::size_t noIndex = static_cast<std::size_t>(-1);
  struct Frame {
    const Json* node;
    std::string_view name;
    std::size_t index = noIndex;
    std::size_t next = 0;     ///< of a sequence
    bool isSequence = false;  ///< its values are read without names
  };
  Json root;
  std::vector<Frame> frames;

  [[nodiscard]] const Json& here() const { return *frames.back().node; }
};

JsonReader::JsonReader(std::string_view text, std::size_t maxBytes) : document_(std::make_unique<Document>()) {
  document_->root = parse(text, maxBytes);
  document_->frames.push_back({&document_->root, {}});
}

JsonReader::~JsonReader() = default;

bool JsonReader::enterField(std::string_view name, bool mayBeMissing) {
  expectObject();
  const Json& here = document_->here();
  const auto found = here.find(name);
  if (found == here.end()) {
    if (mayBeMissing) return false;
    fail("field '" + std::string(name) + "' is missing");
  }
  document_->frames.push_back({&*found, name});
  return true;
}

void JsonReader::enterItem(std::size_t index) {
  const Json& here = document_->here();
  if (index >= arraySize()) fail("the array ends after " + std::to_string(here.size()) + " values");
  document_->frames.push_back({&here[index], {}, index});
}

void JsonReader::enterNext() {
  Document::Frame& frame = document_->frames.back();
  if (frame.isSequence) return enterItem(frame.next++);
  if (document_->frames.size() > 1)
    fail("a member of the object has no name; write it as CEREAL_NVP(member) in serialize");
  document_->frames.push_back({frame.node, {}});
}

void JsonReader::leave() {
  document_->frames.pop_back();
}

void JsonReader::expectObject() const {
  if (!document_->here().is_object()) fail("expected an object, found " + std::string(typeOf(document_->here())));
}

std::size_t JsonReader::arraySize() const {
  if (!document_->here().is_array()) fail("expected an array, found " + std::string(typeOf(document_->here())));
  return document_->here().size();
}

void JsonReader::expectArrayOf(std::size_t size) const {
  if (arraySize() != size)
    fail("expected an array of " + std::to_string(size) + ", found one of " + std::to_string(arraySize()));
}

std::size_t JsonReader::beginSequence() {
  document_->frames.back().isSequence = true;
  return arraySize();
}

std::vector<std::string_view> JsonReader::keys() const {
  expectObject();
  std::vector<std::string_view> names;
  for (auto member = document_->here().begin(); member != document_->here().end(); ++member)
    names.push_back(member.key());
  return names;
}

bool JsonReader::isNull() const {
  return document_->here().is_null();
}

bool JsonReader::boolean() const {
  if (!document_->here().is_boolean()) fail("expected true or false, found " + std::string(typeOf(document_->here())));
  return document_->here().get<bool>();
}

std::int64_t JsonReader::signedInteger(std::int64_t min, std::int64_t max) const {
  const Json& here = document_->here();
  if (!here.is_number_integer()) fail("expected an integer, found " + std::string(typeOf(here)));
  const bool tooLarge = here.is_number_unsigned() && here.get<std::uint64_t>() > static_cast<std::uint64_t>(max);
  if (tooLarge || here.get<std::int64_t>() < min || here.get<std::int64_t>() > max)
    fail(here.dump() + " does not fit (" + std::to_string(min) + " to " + std::to_string(max) + ")");
  return here.get<std::int64_t>();
}

std::uint64_t JsonReader::unsignedInteger(std::uint64_t max) const {
  const Json& here = document_->here();
  if (!here.is_number_integer()) fail("expected an integer, found " + std::string(typeOf(here)));
  if ((!here.is_number_unsigned() && here.get<std::int64_t>() < 0) || here.get<std::uint64_t>() > max)
    fail(here.dump() + " does not fit (0 to " + std::to_string(max) + ")");
  return here.get<std::uint64_t>();
}

double JsonReader::number(double max) const {
  const Json& here = document_->here();
  if (!here.is_number()) fail("expected a number, found " + std::string(typeOf(here)));
  const double value = here.get<double>();
  if (std::abs(value) > max) fail(here.dump() + " is too large");
  return value;
}

const std::string& JsonReader::string() const {
  if (!document_->here().is_string()) fail("expected a string, found " + std::string(typeOf(document_->here())));
  return document_->here().get_ref<const std::string&>();
}

void JsonReader::fail(const std::string& why) const {
  std::string path;
  for (const Document::Frame& frame : document_->frames) {
    if (frame.index != Document::noIndex) path += "/" + std::to_string(frame.index);
    if (frame.name.data() != nullptr) path += "/" + std::string(frame.name);
  }
  throw Error(ErrorKind::invalid, (path.empty() ? "at the top: " : "at " + path + ": ") + why);
}

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
