#include "cli/task_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "cli/change_watcher.h"
#include "cli/job_text.h"
#include "cli/json_output.h"
#include "cli/terminal.h"
#include "core/json_payload.h"
#include "jobs/output_reader.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t pieceBytes = 64u << 10;

JobView jobOf(Session& session, JobID id) {
  auto job = session.store().find(id);
  if (!job) throw Error(ErrorKind::notFound, "job " + id.toString() + " was removed just now");
  return std::move(*job);
}

std::string textFor(const std::string& output) {
  return withoutEscapes(replaceInvalidUtf8(output));
}

OutputReader readerOf(Session& session, JobID id, const OutputChoice& choice) {
  OutputReader reader(session.access().directory(), id,
                      choice.errors ? OutputReader::Stream::errors : OutputReader::Stream::output);
  if (choice.lines) reader.seekLines(*choice.lines);
  return reader;
}

void printPieces(OutputReader& reader, bool json) {
  for (std::string piece = reader.read(pieceBytes); !piece.empty(); piece = reader.read(pieceBytes)) {
    if (!json) {
      print(piece);
      continue;
    }
    Json line = versioned();
    line["output"] = textFor(piece);
    printJsonLine(line);
  }
  std::fflush(stdout);
}

/// What the result has kept: its files went with their directory.
int printResult(const JobView& job, bool json) {
  const auto command = commandOutcomeOf(job);
  if (!json) {
    if (command && command->truncatedBytes > 0)
      tell(fmt::format("{} bytes before this were not kept", command->truncatedBytes));
    if (command) print(command->output);
    return 0;
  }
  Json object = versioned();
  object["id"] = job.row.id.toString();
  object["output"] = command ? Json(textFor(command->output)) : Json(nullptr);
  object["truncatedBytes"] = command ? Json(command->truncatedBytes) : Json(nullptr);
  printJson(object);
  return 0;
}

int printAll(Session& session, const JobView& job, const OutputChoice& choice) {
  OutputReader reader = readerOf(session, job.row.id, choice);
  if (!choice.errors && !choice.lines && reader.size() == 0) return printResult(job, session.json);
  if (!session.json) {
    if (reader.offset() > 0 && !choice.lines) tell(fmt::format("{} bytes before this were not kept", reader.offset()));
    printPieces(reader, false);
    return 0;
  }
  const std::uint64_t size = reader.size();
  if (size > limits::payloadBytesMax) reader.seek(std::max(reader.offset(), size - limits::payloadBytesMax));
  Json object = versioned();
  object["id"] = job.row.id.toString();
  object["truncatedBytes"] = reader.offset();
  std::string output;
  for (std::string piece = reader.read(pieceBytes); !piece.empty() && output.size() < 2 * limits::payloadBytesMax;
       piece = reader.read(pieceBytes))
    output += piece;
  object["output"] = textFor(output);
  printJson(object);
  return 0;
}

int follow(Session& session, JobID id, OutputChoice choice) {
  StopSignals signals;
  ChangeWatcher watcher(session.access(), signals);
  std::optional<OutputReader> reader;
  for (ExecID exec;;) {
    // The row first: what was printed before the end that it shows is there when the files are read after it.
    const JobView job = jobOf(session, id);
    if (job.row.execID != exec || !reader) {
      exec = job.row.execID;
      reader.emplace(readerOf(session, id, choice));
    }
    // Watched before it is read. Of a task whose directory was not there there was nothing to watch.
    if (reader->descriptor() < 0) reader.emplace(readerOf(session, id, choice));
    const int changes = reader->descriptor();
    printPieces(*reader, session.json);
    if (isOver(job.row)) return 0;
    if (const auto signal = watcher.waitForChange(ChangeWatcher::Time::max(), changes)) return 128 + *signal;
  }
}

}  // namespace

std::string withoutEscapes(const std::string& text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\x1b') {
      plain += text[at];
      continue;
    }
    const char kind = at + 1 < text.size() ? text[at + 1] : '\0';
    ++at;
    if (kind == '[') {
      // Ends with the first byte of @ to ~.
      do ++at;
      while (at < text.size() && (text[at] < '@' || text[at] > '~'));
    } else if (kind == ']') {
      // Ends with BEL, or ESC and a backslash.
      do ++at;
      while (at < text.size() && text[at] != '\a' && text[at] != '\x1b');
      if (at < text.size() && text[at] == '\x1b') ++at;
    }
  }
  return plain;
}

int printTaskOutput(Session& session, const std::string& id, const OutputChoice& choice) {
  // Opening may have to wait for others; until it has, a signal simply ends this process.
  const JobID job = session.resolve(id);
  return choice.follow ? follow(session, job, choice) : printAll(session, jobOf(session, job), choice);
}

}  // namespace v1
}  // namespace callsheet
