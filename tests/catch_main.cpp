// Catch's main, alone in its object library because it takes long to compile. A test binary that a test started again
// to play a role never comes as far as Catch.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <cstdio>
#include <string_view>

#include "core/crash_point.h"
#include "tests/support/process_role.h"

int main(int argc, char** argv) {
  if (const auto exitCode = callsheet::tests::playRole(argc, argv)) return *exitCode;
  if (argc == 2 && std::string_view(argv[1]) == "--list-crash-points") {
    for (const char* name : callsheet::crashPointNames()) std::puts(name);
    return 0;
  }
  return Catch::Session().run(argc, argv);
}
