#pragma once
#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

/// A failed LMDB call, as an Error whose kind says what to do.
class LmdbError : public Error {
 public:
  LmdbError(int code, const char* doing);
};

/// Throws LmdbError unless code is 0.
inline void checkLmdb(int code, const char* doing) {
  if (code != 0) throw LmdbError(code, doing);
}

}  // namespace v1
}  // namespace callsheet
