// The method that lists tasks: filters, orders, pages.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "api/fields.h"
#include "api/rpc.h"
#include "api/task_resource.h"
#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::int64_t listLimitDefault = 100;
// The loop waits for a list, so a call looks at so much only: a page of the store's that has few rows has looked at
// many.
constexpr std::size_t pageRows = 20;
constexpr std::size_t poorPagesMax = 5;
// Of parameters in one answer.
constexpr std::size_t answerBytesMax = 4u << 20;
// Of how many tasks the last updated ones can be found: there is no order of them, so all are looked at.
constexpr std::size_t sortedMax = 10'000;

/// Which tasks a list shows, as it was asked for.
class ListFilter {
 public:
  explicit ListFilter(const Fields& fields) {
    included_ = fields.texts("includeDefinitions");
    excluded_ = fields.texts("excludeDefinitions").value_or(std::vector<std::string>{});
    ilike_ = lowered(fields.text("ilike").value_or(""));
    if (const auto states = valuesOf(fields, "status"))
      for (const std::string& name : *states) filter.states.push_back(stateNamed(fields, name));
    if (const auto outcome = fields.text("outcome")) filter.outcome = outcomeNamed(fields, *outcome);
    // One kind is what the store finds fastest.
    if (included_ && included_->size() == 1) filter.kind = included_->front();
  }
  [[nodiscard]] bool matches(const JobView& view) const {
    const auto isIn = [&](const std::vector<std::string>& kinds) {
      return std::find(kinds.begin(), kinds.end(), view.row.kind) != kinds.end();
    };
    if ((included_ && !isIn(*included_)) || isIn(excluded_)) return false;
    if (ilike_.empty()) return true;
    const auto label = view.body.labels.find("label");
    const std::string text = view.row.id.toString() + " " + view.row.kind + " " + view.body.parameters +
                             (label == view.body.labels.end() ? std::string() : " " + label->second);
    return lowered(text).find(ilike_) != std::string::npos;
  }
  JobFilter filter;

 private:
  static std::string lowered(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
  }
  static std::optional<std::vector<std::string>> valuesOf(const Fields& fields, const char* name) {
    const Json* const value = fields.find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_string()) return std::vector<std::string>{value->get<std::string>()};
    return fields.texts(name);
  }
  static JobState stateNamed(const Fields& fields, const std::string& name) {
    if (const auto state = jobStateNamed(name)) return *state;
    fields.refuse("status", "is one of waiting, ready, requested, in-progress and done");
  }
  static JobOutcome outcomeNamed(const Fields& fields, const std::string& name) {
    if (const auto outcome = jobOutcomeNamed(name)) return *outcome;
    fields.refuse("outcome", "is one of succeeded, failed and canceled");
  }

  std::optional<std::vector<std::string>> included_;
  std::vector<std::string> excluded_;
  std::string ilike_;
};

/// By what a list is ordered: "createdAt", "-createdAt" or {"createdAt":"desc"}, and so for lastUpdated.
struct Sort {
  bool isByUpdate = false;
  bool isDescending = false;

  explicit Sort(const Fields& fields) {
    const Json* const sort = fields.find("sort");
    if (sort == nullptr) return;
    std::string name;
    if (sort->is_string()) {
      name = sort->get<std::string>();
      isDescending = name.starts_with('-');
      if (isDescending) name.erase(0, 1);
    } else {
      const bool isPair = sort->is_object() && sort->size() == 1 && sort->begin()->is_string();
      const std::string order = isPair ? sort->begin()->get<std::string>() : std::string();
      if (order != "asc" && order != "desc") fields.refuse("sort", R"(is a name, or as {"createdAt":"desc"})");
      isDescending = order == "desc";
      name = sort->items().begin().key();
    }
    isByUpdate = name == "lastUpdated";
    if (!isByUpdate && name != "createdAt") fields.refuse("sort", "is by createdAt or lastUpdated");
  }
};

/// With its result, which listings leave out.
Json resourceOf(const RpcContext& context, const JobView& view) {
  const auto whole =
      view.row.state == JobState::done ? context.store.reads().find(view.row.id) : std::optional<JobView>{};
  const bool hasResult = whole && whole->result;
  return taskResource(view.row, view.body, hasResult ? &*whole->result : nullptr);
}

/// In the store's own order, from page to page.
Json listByCreation(const RpcContext& context, const ListFilter& wanted, std::size_t limit, std::string page) {
  Json resources = Json::array();
  std::size_t bytes = 0;
  for (std::size_t poor = 0; poor < poorPagesMax;) {
    const std::size_t asked = std::min(pageRows, limit - resources.size());
    const JobPage found = context.store.reads().list(wanted.filter, page, asked);
    for (const JobView& view : found.jobs) {
      if (!wanted.matches(view)) continue;
      resources.push_back(resourceOf(context, view));
      bytes += view.body.parameters.size();
    }
    page = found.next;
    if (found.jobs.size() < asked) ++poor;  // it looked at many for few
    if (page.empty() || resources.size() == limit || bytes > answerBytesMax) break;
  }
  Json result{{"resources", std::move(resources)}};
  if (!page.empty()) result["next"] = page;
  return result;
}

/// Where a task stands among the updated ones; its text is the page's token.
struct UpdateKey {
  std::int64_t at = 0;
  std::string id;
  friend auto operator<=>(const UpdateKey&, const UpdateKey&) = default;
};

UpdateKey updateKeyOf(const JobView& view) {
  return {lastUpdatedOf(view.row), view.row.id.toString()};
}

UpdateKey updateKeyIn(const Fields& fields, const std::string& page) {
  const std::size_t colon = page.find(':');
  UpdateKey key;
  const char* const end = colon == std::string::npos ? nullptr : page.data() + colon;
  const auto read = end == nullptr ? std::from_chars_result{} : std::from_chars(page.data(), end, key.at);
  if (end == nullptr || read.ec != std::errc{} || read.ptr != end)
    fields.refuse("page", "is none that a list of this order gave");
  key.id = page.substr(colon + 1);
  return key;
}

/// Of all that match, where they stand; no more of them is kept.
std::vector<UpdateKey> updateKeys(const RpcContext& context, const Fields& fields, const ListFilter& wanted) {
  std::vector<UpdateKey> keys;
  std::string next;
  std::size_t poor = 0;
  do {
    const JobPage found = context.store.reads().list(wanted.filter, next, pageRows);
    for (const JobView& view : found.jobs)
      if (wanted.matches(view)) keys.push_back(updateKeyOf(view));
    next = found.next;
    if (found.jobs.size() < pageRows) ++poor;
    if (keys.size() > sortedMax || poor > poorPagesMax)
      fields.refuse("sort", "by lastUpdated is for at most " + std::to_string(sortedMax) + " tasks; filter them");
  } while (!next.empty());
  return keys;
}

Json listByUpdate(const RpcContext& context, const Fields& fields, const ListFilter& wanted, bool isDescending,
                  std::size_t limit, const std::string& page) {
  std::vector<UpdateKey> keys = updateKeys(context, fields, wanted);
  std::sort(keys.begin(), keys.end());
  if (isDescending) std::reverse(keys.begin(), keys.end());
  auto from = keys.begin();
  if (!page.empty()) {
    const UpdateKey behind = updateKeyIn(fields, page);
    from = std::find_if(keys.begin(), keys.end(),
                        [&](const UpdateKey& key) { return isDescending ? key < behind : behind < key; });
  }
  Json resources = Json::array();
  std::size_t bytes = 0;
  UpdateKey last;
  for (; from != keys.end() && resources.size() < limit && bytes <= answerBytesMax; ++from) {
    last = *from;
    const auto view = context.store.reads().find(*JobID::parse(from->id));
    if (!view) continue;
    resources.push_back(taskResource(view->row, view->body, view->result ? &*view->result : nullptr));
    bytes += view->body.parameters.size();
  }
  Json result{{"resources", std::move(resources)}};
  if (from != keys.end()) result["next"] = std::to_string(last.at) + ":" + last.id;
  return result;
}
}  // namespace

void taskList(const RpcContext& context, const RpcCall& call) {
  const Fields fields(call.params, "params");
  ListFilter wanted(fields);
  const Sort sort(fields);
  const auto limit = static_cast<std::size_t>(
      fields.integer("limit", 1, static_cast<std::int64_t>(limits::pageRowsMax)).value_or(listLimitDefault));
  const std::string page = fields.text("page").value_or("");
  wanted.filter.newestFirst = sort.isDescending && !sort.isByUpdate;
  call.reply(resultOf(sort.isByUpdate ? listByUpdate(context, fields, wanted, sort.isDescending, limit, page)
                                      : listByCreation(context, wanted, limit, page)));
}

}  // namespace v1
}  // namespace callsheet
