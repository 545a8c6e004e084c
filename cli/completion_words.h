#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "cli/session.h"

namespace callsheet {
inline namespace v1 {

/// A word for the command line as the store has it, and what it stands for. Both are one line without tabs.
struct CompletionWord {
  std::string text;
  std::string description;
};

/// Whether the store knows words for values of that type, such as ID.
[[nodiscard]] bool hasWords(std::string_view type);

/// Those that begin with `prefix`, of the newest jobs; Error when the store cannot be read.
[[nodiscard]] std::vector<CompletionWord> wordsOf(std::string_view type, const std::string& prefix, Session& session);

}  // namespace v1
}  // namespace callsheet
