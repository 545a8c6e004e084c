#include "callsheet/job_director_mode.h"

#include "callsheet/errors.h"
#include "callsheet/job_director_id.h"
#include "core/names.h"

namespace callsheet {
inline namespace v1 {

JobDirectorID::JobDirectorID(std::string_view name) : name_(name) {
  if (!isValidName(name))
    throw Error(ErrorKind::invalid,
                "'" + name_ +
                    "' is not a store's id: at most 64 of letters, digits, '.', '_' and '-', not starting with a dot");
}

namespace {
std::string checkedName(std::string_view name) {
  if (!isValidName(name))
    throw Error(
        ErrorKind::invalid,
        "'" + std::string(name) +
            "' is not a director's name: at most 64 of letters, digits, '.', '_' and '-', not starting with a dot");
  if (name == "principal") throw Error(ErrorKind::invalid, "'principal' is the principal's own name; choose another");
  return std::string(name);
}
}  // namespace

JobDirectorMode JobDirectorMode::assistant(std::string_view name) {
  return JobDirectorMode(checkedName(name));
}

JobDirectorMode JobDirectorMode::executor(std::string_view name) {
  return JobDirectorMode(checkedName(name), true);
}

}  // namespace v1
}  // namespace callsheet
