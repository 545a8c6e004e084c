#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "callsheet/archive_dispatch.h"
#include "callsheet/fingerprint.h"
#include "callsheet/job_input.h"

namespace callsheet {
inline namespace v1 {
namespace detail {

template <class T>
inline constexpr bool isJobInput = isA<T, JobInput>;

/// A cereal archive that finds the inputs among a job's members and makes the canonical bytes of all of them: so one
/// `serialize` tells what is stored, what must be bound and what a result depends on. The job must outlive it.
/// Single-threaded.
class JobVisitor {
 public:
  using is_saving = std::true_type;
  using is_loading = std::false_type;

  struct Found {
    std::string label;  ///< the member's name, and what leads to it inside
    JobInputBase* input;
  };

  template <class... Values>
  JobVisitor& operator()(Values&&... values) {
    (member(values), ...);
    return *this;
  }
  template <class T>
  JobVisitor& operator&(T&& value) {
    return (*this)(value);
  }
  template <class T>
  JobVisitor& operator<<(T&& value) {
    return (*this)(value);
  }

  [[nodiscard]] const std::vector<Found>& inputs() const { return inputs_; }
  [[nodiscard]] const CanonicalBytes& bytes() const { return bytes_; }

  template <class T>
  void write(const T& value);

 private:
  template <class T>
  void member(const T& value) {
    if constexpr (isA<T, cereal::NameValuePair>) {
      const std::size_t length = path_.size();
      if (!path_.empty()) path_ += '.';
      path_ += value.name;
      bytes_.text(value.name);
      write(value.value);
      path_.resize(length);
    } else if constexpr (isBaseClass<T>) {
      using Base = std::remove_cvref_t<decltype(*value.base_ptr)>;
      saveMembers(*this, static_cast<const Base&>(*value.base_ptr), classVersionOf<Base>());
    } else if constexpr (isA<T, cereal::SizeTag>) {
      bytes_.integer(static_cast<std::uint64_t>(value.size));
    } else {
      write(value);
    }
  }
  template <class T>
  void sequence(const T& value);
  template <class T>
  void input(const JobInput<T>& input);

  CanonicalBytes bytes_;
  std::vector<Found> inputs_;
  std::string path_;
};

template <class T>
void JobVisitor::input(const JobInput<T>& input) {
  // What the visitor finds is the job's own, which whoever made the visitor may change.
  inputs_.push_back({path_, const_cast<JobInput<T>*>(&input)});
  if (input.node())
    bytes_.reference(input.node()->fingerprint());
  else if (input.constant())
    write(*input.constant());
  else
    bytes_.group('?', 0);
}

template <class T>
void JobVisitor::sequence(const T& value) {
  bytes_.group('[', static_cast<std::size_t>(std::distance(value.begin(), value.end())));
  std::size_t index = 0;
  for (const auto& element : value) {
    const std::size_t length = path_.size();
    path_ += '[' + std::to_string(index++) + ']';
    write(element);
    path_.resize(length);
  }
}

template <class T>
void JobVisitor::write(const T& value) {
  static_assert(!Unordered<T>,
                "An unordered container has not the same order in two processes: use a std::map or set.");
  if constexpr (isJobInput<T>) {
    input(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    bytes_.boolean(value);
  } else if constexpr (std::is_enum_v<T>) {
    write(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    bytes_.real(static_cast<double>(value));
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    bytes_.integer(static_cast<std::int64_t>(value));
  } else if constexpr (std::is_integral_v<T>) {
    bytes_.integer(static_cast<std::uint64_t>(value));
  } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
    bytes_.text(value);
  } else if constexpr (std::is_same_v<T, Uuid>) {
    bytes_.id(value);
  } else if constexpr (isTaggedId<T>) {
    bytes_.id(value.value);
  } else if constexpr (isNullable<T>) {
    if (value)
      write(*value);
    else
      bytes_.null();
  } else if constexpr (isA<T, std::chrono::duration>) {
    write(value.count());
  } else if constexpr (isA<T, std::chrono::time_point>) {
    write(value.time_since_epoch().count());
  } else if constexpr (isA<T, std::pair> || isA<T, std::tuple>) {
    bytes_.group('[', std::tuple_size_v<T>);
    std::apply([this](const auto&... parts) { (this->write(parts), ...); }, value);
  } else if constexpr (SavesMinimal<T, JobVisitor>) {
    write(saveMinimal(*this, value));
  } else if constexpr (SavesItself<T, JobVisitor>) {
    bytes_.group('(', 0);
    if constexpr (SavesVersioned<T, JobVisitor>) bytes_.integer(static_cast<std::uint64_t>(classVersionOf<T>()));
    saveMembers(*this, value, classVersionOf<T>());
    bytes_.group(')', 0);
  } else if constexpr (MapLike<T>) {
    bytes_.group('{', value.size());
    for (const auto& [key, mapped] : value) {
      write(key);
      write(mapped);
    }
  } else if constexpr (isStdArray<T> || SetLike<T> || SequenceLike<T>) {
    sequence(value);
  } else {
    static_assert(!std::is_pointer_v<T> && !isA<T, std::shared_ptr>, "Pointers have no canonical form.");
    bytes_.group('(', 0);
    saveMembers(*this, value, classVersionOf<T>());
    bytes_.group(')', 0);
  }
}

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
