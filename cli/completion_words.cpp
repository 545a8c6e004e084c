#include "cli/completion_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "api/owner_names.h"
#include "callsheet/limits.h"
#include "cli/job_text.h"
#include "cli/terminal.h"
#include "core/known_kind.h"

namespace callsheet {
inline namespace v1 {

namespace {

// A person picks from a list that can be read; whoever wants an older job types the beginning of its id.
constexpr std::size_t jobsShown = 100;

using Words = std::vector<CompletionWord>;

JobPage newestJobs(Session& session) {
  JobFilter filter;
  filter.newestFirst = true;
  return session.store().list(filter, "", jobsShown);
}

/// The short id, or the whole one where only that begins as it was typed.
std::string nameOf(JobID id, const std::string& prefix) {
  std::string name = shortIDOf(id);
  return name.starts_with(prefix) ? name : id.toString();
}

Words jobs(const std::string& prefix, Session& session) {
  Words words;
  const auto add = [&](JobID id, const std::string& description) {
    std::string name = nameOf(id, prefix);
    if (name.starts_with(prefix)) words.push_back({std::move(name), description});
  };
  const auto addJob = [&](const JobRow& row) { add(row.id, row.kind + " " + stateText(row)); };
  const JobPage page = newestJobs(session);
  for (const JobView& job : page.jobs) addJob(job.row);
  for (const JobID id : page.unreadable) add(id, "unreadable");
  if (!words.empty() || prefix.empty()) return words;
  for (const JobID id : session.store().resolve(prefix, jobsShown))
    if (const auto row = session.store().peek(id)) addJob(*row);
  return words;
}

Words directors(const std::string&, Session& session) {
  Words words{{std::string(principalWord), "the principal"}};
  for (const IncarnationRow& row : session.store().incarnations())
    if (row.isOpen() && row.role == Role::assistant) words.push_back({row.name, "assistant"});
  return words;
}

Words asWords(const std::set<std::string>& texts) {
  Words words;
  for (const std::string& text : texts) words.push_back({text, ""});
  return words;
}

Words kinds(const std::string&, Session& session) {
  std::set<std::string> kinds;
  for (const DefinitionRow& row : session.store().definitions()) kinds.insert(row.kind);
  for (const IncarnationRow& row : session.store().incarnations())
    for (const std::string& text : row.kinds)
      if (const auto known = KnownKind::parse(text)) kinds.emplace(known->kind);
  for (const JobView& job : newestJobs(session).jobs) kinds.insert(job.row.kind);
  return asWords(kinds);
}

Words queues(const std::string&, Session& session) {
  std::set<std::string> queues{"default"};
  for (const QueueState& state : session.store().queues()) queues.insert(state.row.name);
  for (const JobView& job : newestJobs(session).jobs) queues.insert(job.row.queue);
  return asWords(queues);
}

Words labels(const std::string&, Session& session) {
  std::set<std::string> labels;
  for (const JobView& job : newestJobs(session).jobs)
    for (const auto& [name, value] : job.body.labels) labels.insert(fmt::format("{}={}", name, value));
  return asWords(labels);
}

Words schedules(const std::string&, Session& session) {
  Words words;
  for (const ScheduleView& view : session.store().schedules({}, limits::pageRowsMax))
    words.push_back({view.row.name, view.settings.spec});
  return words;
}

struct Source {
  std::string_view type;
  Words (*words)(const std::string& prefix, Session& session);
};

constexpr std::array<Source, 8> sources{{
    {"ID", jobs},
    {"ID[:CONDITION]", jobs},
    {"DIRECTOR", directors},
    {"KIND", kinds},
    {"QUEUE", queues},
    {"SCHEDULE", schedules},
    {"SCHEDULE|SPEC", schedules},
    {"NAME[=VALUE]", labels},
}};

}  // namespace

bool hasWords(std::string_view type) {
  return std::any_of(sources.begin(), sources.end(), [&](const Source& source) { return source.type == type; });
}

std::vector<CompletionWord> wordsOf(std::string_view type, const std::string& prefix, Session& session) {
  Words words;
  for (const Source& source : sources)
    if (source.type == type) words = source.words(prefix, session);
  // What would have to be written otherwise than it is stored cannot be completed.
  std::erase_if(words, [&](const CompletionWord& word) {
    return word.text.empty() || !word.text.starts_with(prefix) || printable(word.text) != word.text;
  });
  for (CompletionWord& word : words) word.description = printable(word.description);
  return words;
}

}  // namespace v1
}  // namespace callsheet
