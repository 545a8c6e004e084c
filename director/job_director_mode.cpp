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

JobDirectorMode JobDirectorMode::assistant(std::string_view name) {
  if (!isValidName(name))
    throw Error(
        ErrorKind::invalid,
        "'" + std::string(name) +
            "' is not a director's name: at most 64 of letters, digits, '.', '_' and '-', not starting with a dot");
  if (name == "principal")
    throw Error(ErrorKind::invalid, "'principal' is the principal's own name; choose another for an assistant");
  return JobDirectorMode(std::string(name));
}

}  // namespace v1
}  // namespace callsheet
