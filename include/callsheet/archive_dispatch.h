#pragma once
#include <array>
#include <cereal/cereal.hpp>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "callsheet/uuid.h"

// What Callsheet's own cereal archives have in common: which kind of value a type is, and the call of whatever
// serialization functions its author wrote. The archives write the standard library's types themselves, so that the
// form of, say, an optional does not depend on which of cereal's type headers somebody included.
namespace callsheet {
inline namespace v1 {
namespace detail {

template <class T, template <class...> class Template>
inline constexpr bool isA = false;
template <template <class...> class Template, class... Args>
inline constexpr bool isA<Template<Args...>, Template> = true;

template <class T>
inline constexpr bool isTaggedId = false;
template <class Tag>
inline constexpr bool isTaggedId<TaggedId<Tag>> = true;

template <class T>
inline constexpr bool isStdArray = false;
template <class T, std::size_t n>
inline constexpr bool isStdArray<std::array<T, n>> = true;

template <class T>
inline constexpr bool isBaseClass = isA<T, cereal::base_class> || isA<T, cereal::virtual_base_class>;

/// A job's input (callsheet/job_input.h): in JSON its constant, or null for one that the job's own code binds.
template <class T>
concept InputLike = requires(T input) {
  typename T::Value;
  input.constant();
  input.setConstant(std::declval<typename T::Value>());
};

/// Types that may have no value: a field of them may be missing on input, and two of them must not be nested.
template <class T>
inline constexpr bool isNullable = isA<T, std::optional> || isA<T, std::unique_ptr>;

template <class T>
concept MapLike = requires(T map) {
  typename T::key_type;
  typename T::mapped_type;
  map.begin();
  map.emplace(std::declval<typename T::key_type>(), std::declval<typename T::mapped_type>());
};
template <class T>
concept SetLike = !MapLike<T> && requires(T set) {
  typename T::key_type;
  set.begin();
  set.insert(std::declval<typename T::key_type>());
};
template <class T>
concept SequenceLike = !SetLike<T> && !MapLike<T> && requires(T sequence) {
  typename T::value_type;
  sequence.begin();
  sequence.size();
  sequence.clear();
  sequence.push_back(std::declval<typename T::value_type>());
};
/// Containers whose order is not the same in two processes.
template <class T>
concept Unordered = requires {
  typename T::hasher;
};

/// The version that CEREAL_CLASS_VERSION gave a type; 0 without one.
/// Read from the type itself: cereal's own table is keyed by the type's name, which two files may each use for a local
/// type.
template <class T>
[[nodiscard]] std::uint32_t classVersionOf() {
  return cereal::detail::Version<T>::version;
}

// has... names: which of the functions cereal knows T has for the archive A, with a specialization having the last
// word.
#define CALLSHEET_HAS(name)                      \
  template <class T, class A>                    \
  concept has_##name =                           \
      cereal::traits::has_##name<T, A>::value && \
      (cereal::traits::is_specialized_##name<T, A>::value || !cereal::traits::is_specialized<T, A>::value)
CALLSHEET_HAS(member_serialize);
CALLSHEET_HAS(non_member_serialize);
CALLSHEET_HAS(member_versioned_serialize);
CALLSHEET_HAS(non_member_versioned_serialize);
CALLSHEET_HAS(member_save);
CALLSHEET_HAS(non_member_save);
CALLSHEET_HAS(member_versioned_save);
CALLSHEET_HAS(non_member_versioned_save);
CALLSHEET_HAS(member_load);
CALLSHEET_HAS(non_member_load);
CALLSHEET_HAS(member_versioned_load);
CALLSHEET_HAS(non_member_versioned_load);
CALLSHEET_HAS(member_save_minimal);
CALLSHEET_HAS(non_member_save_minimal);
CALLSHEET_HAS(member_load_minimal);
CALLSHEET_HAS(non_member_load_minimal);
#undef CALLSHEET_HAS

/// Types whose author made them one plain value by save_minimal and load_minimal.
template <class T, class A>
concept SavesMinimal = has_member_save_minimal<T, A> || has_non_member_save_minimal<T, A>;
template <class T, class A>
concept LoadsMinimal = has_member_load_minimal<T, A> || has_non_member_load_minimal<T, A>;

template <class T, class A>
concept SavesVersioned = has_member_versioned_serialize<T, A> || has_non_member_versioned_serialize<T, A> ||
    has_member_versioned_save<T, A> || has_non_member_versioned_save<T, A>;
template <class T, class A>
concept LoadsVersioned = has_member_versioned_serialize<T, A> || has_non_member_versioned_serialize<T, A> ||
    has_member_versioned_load<T, A> || has_non_member_versioned_load<T, A>;

/// A class with serialization members of its own is never taken for a container.
template <class T, class A>
concept SavesItself = has_member_serialize<T, A> || has_member_save<T, A> || has_member_versioned_serialize<T, A> ||
    has_member_versioned_save<T, A> || has_member_save_minimal<T, A>;
template <class T, class A>
concept LoadsItself = has_member_serialize<T, A> || has_member_load<T, A> || has_member_versioned_serialize<T, A> ||
    has_member_versioned_load<T, A> || has_member_load_minimal<T, A>;

template <class>
inline constexpr bool alwaysFalse = false;

/// Calls the function that writes T's members. `version` is used only by versioned ones.
template <class Archive, class T>
void saveMembers(Archive& archive, const T& value, [[maybe_unused]] std::uint32_t version) {
  [[maybe_unused]] T& asSerializeWants = const_cast<T&>(value);
  if constexpr (has_member_versioned_serialize<T, Archive>)
    cereal::access::member_serialize(archive, asSerializeWants, version);
  else if constexpr (has_non_member_versioned_serialize<T, Archive>)
    CEREAL_SERIALIZE_FUNCTION_NAME(archive, asSerializeWants, version);
  else if constexpr (has_member_versioned_save<T, Archive>)
    cereal::access::member_save(archive, value, version);
  else if constexpr (has_non_member_versioned_save<T, Archive>)
    CEREAL_SAVE_FUNCTION_NAME(archive, value, version);
  else if constexpr (has_member_serialize<T, Archive>)
    cereal::access::member_serialize(archive, asSerializeWants);
  else if constexpr (has_member_save<T, Archive>)
    cereal::access::member_save(archive, value);
  else if constexpr (has_non_member_serialize<T, Archive>)
    CEREAL_SERIALIZE_FUNCTION_NAME(archive, asSerializeWants);
  else if constexpr (has_non_member_save<T, Archive>)
    CEREAL_SAVE_FUNCTION_NAME(archive, value);
  else
    static_assert(std::is_empty_v<T>, "The type needs a serialize function, or a pair of save and load.");
}

/// Calls the function that reads T's members.
template <class Archive, class T>
void loadMembers(Archive& archive, T& value, [[maybe_unused]] std::uint32_t version) {
  if constexpr (has_member_versioned_serialize<T, Archive>)
    cereal::access::member_serialize(archive, value, version);
  else if constexpr (has_non_member_versioned_serialize<T, Archive>)
    CEREAL_SERIALIZE_FUNCTION_NAME(archive, value, version);
  else if constexpr (has_member_versioned_load<T, Archive>)
    cereal::access::member_load(archive, value, version);
  else if constexpr (has_non_member_versioned_load<T, Archive>)
    CEREAL_LOAD_FUNCTION_NAME(archive, value, version);
  else if constexpr (has_member_serialize<T, Archive>)
    cereal::access::member_serialize(archive, value);
  else if constexpr (has_member_load<T, Archive>)
    cereal::access::member_load(archive, value);
  else if constexpr (has_non_member_serialize<T, Archive>)
    CEREAL_SERIALIZE_FUNCTION_NAME(archive, value);
  else if constexpr (has_non_member_load<T, Archive>)
    CEREAL_LOAD_FUNCTION_NAME(archive, value);
  else
    static_assert(std::is_empty_v<T>, "The type needs a serialize function, or a pair of save and load.");
}

/// What save_minimal made of the value.
template <class Archive, class T>
[[nodiscard]] auto saveMinimal(const Archive& archive, const T& value) {
  if constexpr (has_member_save_minimal<T, Archive>)
    return cereal::access::member_save_minimal(archive, value);
  else
    return CEREAL_SAVE_MINIMAL_FUNCTION_NAME(archive, value);
}

/// Gives load_minimal the plain value that `read` fills.
template <class OutputArchive, class Archive, class T, class Read>
void loadMinimal(const Archive& archive, T& value, const Read& read) {
  if constexpr (has_member_load_minimal<T, Archive>) {
    typename cereal::traits::has_member_save_minimal<T, OutputArchive>::type plain{};
    read(plain);
    cereal::access::member_load_minimal(archive, value, plain);
  } else {
    typename cereal::traits::has_non_member_save_minimal<T, OutputArchive>::type plain{};
    read(plain);
    CEREAL_LOAD_MINIMAL_FUNCTION_NAME(archive, value, plain);
  }
}

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
