#include "api/body_format.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "api/body_builder.h"
#include "api/yaml_body.h"
#include "callsheet/errors.h"
#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {

namespace {

std::string lowerCase(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return lower;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes the text up to the separator off the front of the rest, and the separator; no media type quotes one.
std::string_view takeUntil(std::string_view& rest, char separator) {
  const auto at = rest.find(separator);
  const auto taken = rest.substr(0, at);
  rest = at == rest.npos ? std::string_view{} : rest.substr(at + 1);
  return trimmed(taken);
}

/// The value of a parameter of `type; a=b; c="d"`, in lower case and without quotes; empty when it is not there.
std::string parameterOf(std::string_view parameters, std::string_view name) {
  while (!parameters.empty()) {
    auto value = takeUntil(parameters, ';');
    if (lowerCase(takeUntil(value, '=')) != name) continue;
    value = trimmed(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return lowerCase(value);
  }
  return {};
}

std::optional<BodyFormat> formatOfType(std::string_view type) {
  if (type == "application/json" || type == "text/json") return BodyFormat::json;
  if (type.starts_with("application/") && type.ends_with("+json")) return BodyFormat::json;
  for (const char* known : {"text/yaml", "application/yaml", "text/x-yaml", "application/x-yaml"})
    if (type == known) return BodyFormat::yaml;
  return std::nullopt;
}

BodyFormat otherThan(BodyFormat format) {
  return format == BodyFormat::json ? BodyFormat::yaml : BodyFormat::json;
}

/// Thousandths; what is no number counts as 1.
int qualityOf(const std::string& text) {
  double quality = 1;
  std::from_chars(text.data(), text.data() + text.size(), quality);
  return quality >= 0 && quality <= 1 ? static_cast<int>(quality * 1000) : 1000;
}

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::invalid, why);
}

class JsonBodySax : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    // The parser makes a double of an integer that is too large.
    if (text.find_first_of(".eE") == text.npos)
      refuse("the integer " + text.substr(0, 40) + builder_.where() + " does not fit in 64 bits.");
    return put(value);
  }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool key(string_t& name) override {
    builder_.key(std::move(name));
    return true;
  }
  bool start_object(std::size_t) override {
    builder_.startObject();
    return true;
  }
  bool start_array(std::size_t) override {
    builder_.startArray();
    return true;
  }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override {
    // Without the library's prefix, and without the text it read last, which may be long.
    std::string_view what = error.what();
    if (const auto start = what.find("] "); start != what.npos) what.remove_prefix(start + 2);
    if (const auto last = what.find("; last read:"); last != what.npos) what = what.substr(0, last);
    refuse("it is not JSON: " + std::string(what.substr(0, 200)) + " (byte " + std::to_string(position) + ").");
  }

  [[nodiscard]] Json take() { return builder_.take(); }

 private:
  bool put(Json value) {
    builder_.value(std::move(value));
    return true;
  }
  bool end() {
    builder_.end();
    return true;
  }

  BodyBuilder builder_;
};

Json parseJson(std::string_view body) {
  // The parser would take a zero byte for the end of the text.
  if (const auto zero = body.find('\0'); zero != body.npos)
    refuse("there is a zero byte at " + std::to_string(zero) + ".");
  JsonBodySax sax;
  Json::sax_parse(body.begin(), body.end(), &sax);
  return sax.take();
}

}  // namespace

std::optional<BodyFormat> formatOfContentType(std::string_view contentType) {
  const std::string type = lowerCase(takeUntil(contentType, ';'));
  const std::string charset = parameterOf(contentType, "charset");
  if (!charset.empty() && charset != "utf-8" && charset != "utf8") return std::nullopt;
  if (type.empty() || type == "application/x-www-form-urlencoded") return BodyFormat::json;
  return formatOfType(type);
}

std::optional<BodyFormat> formatOfAccept(std::string_view accept, BodyFormat fallback) {
  if (trimmed(accept).empty()) return fallback;
  // Of each format the quality that the most specific entry gives it, and that entry's place.
  struct Rank {
    int specificity = -1;
    int quality = 0;
    int place = 0;
  };
  Rank ranks[2];
  for (int place = 0; !accept.empty(); ++place) {
    auto entry = takeUntil(accept, ',');
    const std::string type = lowerCase(takeUntil(entry, ';'));
    const int quality = qualityOf(parameterOf(entry, "q"));
    const auto offer = [&](BodyFormat format, int specificity) {
      Rank& rank = ranks[static_cast<int>(format)];
      const bool isBetter =
          specificity > rank.specificity || (specificity == rank.specificity && quality > rank.quality);
      if (isBetter) rank = {specificity, quality, place};
    };
    if (type == "*/*" || type == "application/*") {
      offer(fallback, 0);
      offer(otherThan(fallback), 0);
    } else if (type == "text/*") {
      offer(BodyFormat::yaml, 1);
    } else if (const auto format = formatOfType(type)) {
      offer(*format, 2);
    }
  }
  const Rank& mine = ranks[static_cast<int>(fallback)];
  const Rank& other = ranks[static_cast<int>(otherThan(fallback))];
  if (mine.quality == 0 && other.quality == 0) return std::nullopt;
  if (mine.quality != other.quality) return mine.quality > other.quality ? fallback : otherThan(fallback);
  return mine.place <= other.place ? fallback : otherThan(fallback);
}

std::string_view contentTypeOf(BodyFormat format) {
  return format == BodyFormat::json ? "application/json" : "text/yaml";
}

Json parseBody(BodyFormat format, std::string_view body) {
  if (body.empty()) refuse("it is empty.");
  if (body.starts_with("\xEF\xBB\xBF")) refuse("it starts with a byte order mark.");
  if (const auto at = findInvalidUtf8(body); at != body.npos)
    refuse("it is not valid UTF-8 (byte " + std::to_string(at) + ").");
  return format == BodyFormat::json ? parseJson(body) : parseYaml(body);
}

std::string printBody(BodyFormat format, const Json& value) {
  if (format == BodyFormat::json) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return printYaml(value);
}

}  // namespace v1
}  // namespace callsheet
