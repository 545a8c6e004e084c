#pragma once
#include <optional>
#include <string>

#include "core/verbs.h"

namespace callsheet {
inline namespace v1 {

/// The one validator: why a verb may not enter a store, as one sentence; nothing when it may. Run before a verb is
/// queued, so that `apply` meets only well-formed verbs. Parameters that are not binary are JSON by contract; whoever
/// takes them from outside checks that (core/json_payload.h).
[[nodiscard]] std::optional<std::string> whyRefused(const Verb& verb);

}  // namespace v1
}  // namespace callsheet
