#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// Names a step of a job by what it is and what goes into it: equal in every process and from every compiler
/// (docs/fingerprint.md). The first 16 bytes of a SHA-256; nil is the job's root.
using Fingerprint = TaggedId<struct FingerprintTag>;

namespace detail {

/// The canonical bytes of a value, of which a fingerprint is made: each value is a letter and what follows from it, so
/// that no two different sequences of values have the same bytes. docs/fingerprint.md shows them. Single-threaded.
class CanonicalBytes {
 public:
  void null() { bytes_ += 'n'; }
  void boolean(bool value) { bytes_ += value ? 't' : 'f'; }
  void integer(std::int64_t value);
  void integer(std::uint64_t value);
  /// Throws Error(invalid) for NaN, which equals nothing.
  void real(double value);
  void text(std::string_view value);
  void id(const Uuid& value);
  /// The values that follow belong together: `kind` says as what, `count` how many there are.
  void group(char kind, std::size_t count);
  /// Something that its own fingerprint stands for.
  void reference(Fingerprint value);
  void append(const CanonicalBytes& others) { bytes_ += others.bytes_; }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] Fingerprint fingerprint() const;

 private:
  void number(std::uint64_t value);
  std::string bytes_;
};

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
