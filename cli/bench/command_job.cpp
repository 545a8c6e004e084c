#include "cli/bench/command_job.h"

#include "callsheet/json_archive.h"
#include "callsheet/submit_options.h"
#include "core/names.h"
#include "core/new_job.h"
#include "jobs/command_spec.h"

namespace callsheet {
inline namespace v1 {

NewJob commandJob(const std::vector<std::string>& argv) {
  CommandSpec spec;
  spec.argv = argv;
  spec.cwd.push_back('/');
  return newJobOf(commandKind, 1, toJson(spec), {});
}

}  // namespace v1
}  // namespace callsheet
