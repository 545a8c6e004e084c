#pragma once
#include <vector>

#include "core/clock.h"
#include "core/rows.h"
#include "core/verbs.h"

namespace callsheet {
inline namespace v1 {

/// Whom a commit concerns; what the doorbells are rung for after it.
struct Effects {
  std::vector<IncarnationID>
      owners;              ///< whose queues got work, or whose running jobs were asked to end; nil: the principal
  bool finished = false;   ///< some job became done
  bool closed = false;     ///< an incarnation was closed: the principal has something to adopt
  bool scheduled = false;  ///< a schedule may be due at another time than before

  void touch(IncarnationID owner);
};

/// Applies one verb to the rows of a write transaction. Deterministic: equal rows, verb and moment give equal rows and
/// answers. A verb that is not accepted has changed nothing. The verb must have passed the validator.
[[nodiscard]] AnyAnswer apply(const Verb& verb, const Moment& now, Rows& rows, Effects& effects);

}  // namespace v1
}  // namespace callsheet
