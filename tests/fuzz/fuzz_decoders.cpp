// Everything that reads what came from outside, each by itself. The first byte says which, the rest is its text.
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "api/api_error.h"
#include "api/body_format.h"
#include "api/define.h"
#include "api/definition_json.h"
#include "api/iso_time.h"
#include "api/json_schema.h"
#include "api/request_target.h"
#include "api/schema_pattern.h"
#include "callsheet/errors.h"
#include "callsheet/job_key.h"
#include "callsheet/json_archive.h"
#include "callsheet/limits.h"
#include "core/duration_text.h"
#include "core/json_payload.h"
#include "core/schedule/timing_text.h"
#include "core/script_result.h"
#include "core/task_body.h"
#include "http/event_file.h"
#include "jobs/task_machine.h"

using namespace callsheet;

namespace {
void require(bool holds, const char* what, const std::string& text) {
  if (holds) return;
  std::fprintf(stderr, "%s does not hold: %s\n", what, text.c_str());
  std::abort();
}

/// An Error is a fine answer when it says why; anything else that is thrown ends the process.
template <class Body>
void orReason(const Body& body) {
  try {
    body();
  } catch (const ApiError& error) {
    require(error.status() == 422 && *error.what() != '\0', "a refusal is 422 and has a reason", error.what());
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::invalid && *error.what() != '\0', "an error is of kind invalid", error.what());
  }
}

void body(BodyFormat format, std::string_view text) {
  orReason([&] {
    const Json value = parseBody(format, text);
    // Not orReason: what was read once reads again.
    for (const BodyFormat printed : {BodyFormat::json, BodyFormat::yaml}) {
      const std::string again = printBody(printed, value);
      try {
        require(parseBody(printed, again) == value, "a printed value reads back as itself", again);
      } catch (const Error& error) {
        require(false, error.what(), again);
      }
    }
  });
}

void task(std::string_view text) {
  orReason([&] {
    const CommandSpec command = commandOfTask(parseTaskBody(text), "/bin/callsheet");
    require(!whyRefused(command), "what a machine makes can be tried", std::string(text));
    const std::string printed = toJson(command);
    CommandSpec again;
    fromJson(printed, again);
    require(toJson(again) == printed, "a command reads back as itself", printed);
  });
}

/// A schema, a line `---`, a value.
void schema(std::string_view text) {
  constexpr std::string_view line = "\n---\n";
  const std::size_t end = text.find(line);
  orReason([&] {
    const JsonSchema parsed = JsonSchema::parse(std::string(text.substr(0, end)));
    Json value;
    if (end != std::string_view::npos) value = parseBody(BodyFormat::json, text.substr(end + line.size()));
    if (const auto why = parsed.whyInvalid(value)) require(!why->empty(), "a violation has a reason", *why);
  });
}

void definition(std::string_view text) {
  orReason([&] {
    DefinitionRow row;
    static_cast<Definition&>(row) = definitionFrom(parseBody(BodyFormat::json, text));
    const Json json = definitionJson(row);
    try {
      require(definitionFrom(json) == static_cast<const Definition&>(row), "a definition reads back", json.dump());
    } catch (const ApiError& error) {
      require(false, error.what(), json.dump());
    }
  });
}

void definitions(std::string_view text) {
  orReason([&] { (void)definitionsIn(std::string(text), "the input"); });
}

void time(std::string_view text) {
  orReason([&] {
    const std::int64_t micros = parseTime(text);
    const std::string printed = formatUtcMicros(micros);
    require(parseTime(printed) == micros, "a printed time reads back", printed);
  });
  orReason([&] { (void)parseDuration(text); });
}

void target(std::string_view text) {
  const auto parsed = parseTarget(text);
  if (parsed) require(parsed->path.starts_with('/'), "a path begins with a slash", parsed->path);
  for (const char c : loggablePath(text))
    require(static_cast<unsigned char>(c) >= 0x20, "a logged path is one line", std::string(text));
}

void headers(std::string_view text) {
  (void)formatOfContentType(text);
  (void)formatOfAccept(text, BodyFormat::yaml);
}

void key(std::string_view text) {
  orReason([&] {
    const JobKey parsed = JobKey::parse(text);
    const auto again = JobKey::fromBytes(parsed.bytes());
    require(again && again->bytes() == parsed.bytes(), "a key's bytes read back", parsed.bytes());
    require(JobKey::parse(parsed.toString()).bytes() == parsed.bytes(), "a printed key reads back", parsed.toString());
  });
}

/// When a timing fires next is later than the present, and again the same.
void timing(std::string_view text) {
  constexpr std::int64_t now = 1'750'000'000'000'000;
  orReason([&] {
    const Timing parsed = timingOfText(text, now);
    require(!whyRefused(parsed), "what was parsed may be stored", std::string(text));
    const auto next = nextFiring(parsed, now);
    require(!next || *next > now, "the next firing comes later", std::string(text));
    require(next == nextFiring(parsed, now), "the next firing is the same twice", std::string(text));
  });
}

void event(std::string_view text) {
  orReason([&] {
    const Schedule schedule = scheduleOfEvent(std::string(text), "file.json", 1'750'000'000'000'000);
    require(!whyRefused(schedule), "an event's schedule may be stored", std::string(text));
  });
}

void script(std::string_view text) {
  const ScriptResult result = scriptResultOf(text);
  validateJson(result.value, limits::payloadBytesMax);
  require(findInvalidUtf8(result.failure.message) == std::string_view::npos, "a failure is UTF-8", std::string(text));
}

/// A pattern, a line's end, a text.
void pattern(std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  orReason([&] {
    const SchemaPattern parsed{std::string(text.substr(0, end))};
    (void)parsed.matches(std::string(text.substr(end).substr(0, patternTextBytesMax)));
  });
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (*data) {
    case 'j':
      body(BodyFormat::json, text);
      break;
    case 'y':
      body(BodyFormat::yaml, text);
      break;
    case 'w':
      timing(text);
      break;
    case 'e':
      event(text);
      break;
    case 'r':
      script(text);
      break;
    case 's':
      schema(text);
      break;
    case 'd':
      definition(text);
      break;
    case 'D':
      definitions(text);
      break;
    case 't':
      time(text);
      break;
    case 'T':
      task(text);
      break;
    case 'u':
      target(text);
      break;
    case 'h':
      headers(text);
      break;
    case 'k':
      key(text);
      break;
    case 'p':
      pattern(text);
      break;
    default:
      return -1;  // not into the corpus
  }
  return 0;
}
