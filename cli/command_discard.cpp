#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/define.h"
#include "callsheet/errors.h"
#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/terminal.h"
#include "ipc/file_descriptor.h"
#include "ipc/write_all.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct DiscardOptions {
  std::vector<std::string> ids;
  std::string save;
};

/// A job that is to go, and what is stored of it.
struct Damaged {
  JobID id;
  std::vector<StoredRecord> records;
};

Json damagedJson(const Damaged& job, bool withBytes) {
  Json json;
  json["id"] = job.id.toString();
  json["records"] = Json::array();
  for (const StoredRecord& record : job.records) {
    Json one{{"name", record.name}, {"size", record.bytes.size()}, {"damage", textJson(record.damage)}};
    if (withBytes) one["hex"] = hexOf(record.bytes);
    json["records"].push_back(std::move(one));
  }
  return json;
}

std::string damagedText(const Damaged& job) {
  std::string text;
  for (const StoredRecord& record : job.records)
    text += fmt::format("{}{} ({} bytes{})", text.empty() ? "" : ", ", record.name, record.bytes.size(),
                        record.damage.empty() ? "" : ", damaged");
  return fmt::format("{}  discarded: {}", job.id.toString(), text);
}

void sync(const std::string& path, int descriptor) {
  if (::fsync(descriptor) != 0) throw systemError(path + " cannot be synced", errno);
}

/// On the disk when it returns: what is removed next is nowhere else.
void save(const std::string& target, const std::vector<Damaged>& jobs) {
  Json json = versioned();
  json["jobs"] = Json::array();
  for (const Damaged& job : jobs) json["jobs"].push_back(damagedJson(job, true));
  const std::filesystem::path path = std::filesystem::absolute(target);
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.isOpen() && errno == EEXIST)
    throw Error(ErrorKind::conflict, path.string() + " exists already; name a new file");
  if (!file.isOpen()) throw systemError(path.string() + " cannot be made, nothing was removed", errno);
  try {
    if (!writeAll(file.number(), json.dump(2) + "\n")) throw systemError(path.string() + " cannot be written", errno);
    sync(path, file.number());
    const std::string parent = path.parent_path();
    const FileDescriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    sync(parent, directory.number());
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
}

int discard(const DiscardOptions& options, Session& session) {
  std::vector<Damaged> jobs;
  for (const JobID id : session.resolveAll(options.ids)) jobs.push_back({id, session.store().records(id)});
  if (!options.save.empty()) save(options.save, jobs);
  Json json = versioned();
  json["jobs"] = Json::array();
  std::optional<Error> failure;
  for (const Damaged& job : jobs) {
    // Each has a commit of its own, as it walks the whole index.
    const Answer answer = session.store().apply(Discard{job.id});
    const bool accepted = isAccepted(answer.verdict);
    if (accepted && !session.json) printLine(damagedText(job));
    json["jobs"].push_back(damagedJson(job, false));
    json["jobs"].back()["discarded"] = accepted;
    json["jobs"].back()["why"] = textJson(answer.why);
    if (accepted) continue;
    if (failure) tell(failure->what());
    const Error error = errorOf(answer, "job " + shortIDOf(job.id));
    failure.emplace(failure ? failure->kind() : error.kind(), error.what());
  }
  // What the limits count was counted anew.
  finishLaning(session.store());
  if (session.json) printJson(json);
  if (failure) throw Error(*failure);
  return 0;
}

}  // namespace

Work defineDiscard(CLI::App& app) {
  const auto options = std::make_shared<DiscardOptions>();
  app.add_option("ids", options->ids, "The jobs")->required()->type_name("ID");
  app.add_option("--save", options->save, "Write all that is stored of them to a new file first, as JSON")
      ->type_name("FILE");
  app.footer(
      "For jobs that `callsheet list` or `callsheet check` call unreadable. They stay until they are discarded; then "
      "they are gone,\n"
      "and a key that stood for one is free. What can be read is refused: `callsheet cancel` ends it. Look for a "
      "backup "
      "before.");
  return [options](Session& session) { return discard(*options, session); };
}

}  // namespace v1
}  // namespace callsheet
