#pragma once
#include <string>
#include <vector>

#include "cli/bench/cycles.h"
#include "cli/bench/rpc_text.h"

namespace callsheet {
inline namespace v1 {

/// Tasks made, polled, started and succeeded over the API, one at a time or so many together.
class RpcSession final : public CycleSession {
 public:
  RpcSession(CycleLedger& ledger, std::size_t batch);

  [[nodiscard]] std::string next(bool mayBegin) override;
  [[nodiscard]] std::size_t answered(std::string_view received) override;

 private:
  enum class Step { create, poll, start, success };
  void understand(const HttpAnswer& answer);
  [[nodiscard]] std::vector<std::string> idsIn(const HttpAnswer& answer, std::size_t count, const char* what) const;

  CycleLedger& ledger_;
  const std::size_t batch_;
  const std::string createText_;
  Step step_ = Step::create;
  std::vector<RpcTask> tasks_;
};

}  // namespace v1
}  // namespace callsheet
