#include "cli/bench/rpc_session.h"

#include <fmt/format.h>

#include "cli/bench/bench_child.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr const char* path = "/rpc";
}

RpcSession::RpcSession(CycleLedger& ledger, std::size_t batch)
    : ledger_(ledger), batch_(batch), createText_(httpPost(path, createCalls(batch))) {}

std::string RpcSession::next(bool mayBegin) {
  switch (step_) {
    case Step::create:
      return mayBegin ? createText_ : std::string();
    case Step::poll:
      return httpPost(path, pollCall(batch_ - tasks_.size()));
    case Step::start:
      return httpPost(path, startCalls(tasks_));
    case Step::success:
      return httpPost(path, successCalls(tasks_));
  }
  return {};
}

std::size_t RpcSession::answered(std::string_view received) {
  const auto answer = firstHttpAnswer(received);
  if (!answer) return 0;
  understand(*answer);
  return answer->size;
}

void RpcSession::understand(const HttpAnswer& answer) {
  switch (step_) {
    case Step::create:
      for (const std::string& id : idsIn(answer, batch_, "create")) ledger_.made(id);
      step_ = Step::poll;
      return;
    case Step::poll:
      requireAccepted(answer, "poll");
      for (RpcTask& task : tasksIn(answer.body)) {
        ledger_.handedOut(task.id);
        tasks_.push_back(std::move(task));
      }
      if (tasks_.size() > batch_) throw BenchFailure("a poll gave more tasks than it was asked for");
      // What this connection made, others may have taken; theirs comes.
      if (tasks_.size() == batch_) step_ = Step::start;
      return;
    case Step::start:
      (void)idsIn(answer, batch_, "start");
      step_ = Step::success;
      return;
    case Step::success:
      for (const std::string& id : idsIn(answer, batch_, "success")) ledger_.done(id);
      tasks_.clear();
      step_ = Step::create;
      return;
  }
}

std::vector<std::string> RpcSession::idsIn(const HttpAnswer& answer, std::size_t count, const char* what) const {
  requireAccepted(answer, what);
  auto ids = textsOf(answer.body, "id");
  if (ids.size() != count)
    throw BenchFailure(fmt::format("{} of {} tasks was answered with {}", what, count, ids.size()));
  return ids;
}

}  // namespace v1
}  // namespace callsheet
