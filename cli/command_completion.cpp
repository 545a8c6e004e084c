#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <memory>

#include "cli/command_facts.h"
#include "cli/commands.h"
#include "cli/completion_scripts.h"
#include "cli/completion_words.h"
#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

namespace {

// Somebody sits before a shell that waits for this.
constexpr unsigned patienceSeconds = 2;

/// Whatever the store does, a damaged one or one that others stand in, it must not show on a half-written line.
void endQuietly() {
  for (const int signal : {SIGALRM, SIGBUS, SIGSEGV, SIGABRT}) std::signal(signal, [](int) { ::_exit(0); });
  ::alarm(patienceSeconds);
}

void printWords(const std::string& type, const std::string& prefix, Session& session) {
  try {
    std::string lines;
    for (const CompletionWord& word : wordsOf(type, prefix, session))
      lines += word.text + "\t" + word.description + "\n";
    print(lines);
  } catch (const std::exception&) {
    // No store, or none that can be read: there are no words.
  }
}

}  // namespace

Work defineCompletion(CLI::App& app) {
  const auto shell = std::make_shared<std::string>();
  app.add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->type_name("SHELL")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  app.footer(
      "An installed callsheet has these scripts where the shells look for them. For one that is not:\n"
      "\n"
      "  bash: source <(callsheet completion bash)\n"
      "  zsh:  callsheet completion zsh >DIR/_callsheet, with DIR in $fpath before compinit\n"
      "  fish: callsheet completion fish | source");
  return [shell, &app](Session&) {
    const CommandFacts root = factsOf(*app.get_parent());
    print(*shell == "bash" ? bashScript(root) : *shell == "zsh" ? zshScript(root) : fishScript(root));
    return 0;
  };
}

Work defineCompleteWords(CLI::App& app) {
  struct Options {
    std::string type;
    std::string prefix;
  };
  const auto options = std::make_shared<Options>();
  app.group("");  // hidden
  app.add_option("type", options->type)->required();
  app.add_option("prefix", options->prefix);
  return [options](Session& session) {
    endQuietly();
    printWords(options->type, options->prefix, session);
    return 0;
  };
}

}  // namespace v1
}  // namespace callsheet
