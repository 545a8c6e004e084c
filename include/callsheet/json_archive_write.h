#pragma once
// The template part of JsonOutputArchive; included by callsheet/json_archive.h, which is the header to include.
#include "callsheet/json_archive.h"

namespace callsheet {
inline namespace v1 {

template <class T>
void JsonOutputArchive::writeMember(const T& value) {
  if constexpr (detail::isA<T, cereal::NameValuePair>) {
    writer_.key(value.name);
    write(value.value);
  } else if constexpr (detail::isBaseClass<T>) {
    using Base = std::remove_cvref_t<decltype(*value.base_ptr)>;
    static_assert(!detail::SavesVersioned<Base, JsonOutputArchive>,
                  "The version of a base class has no place in JSON.");
    detail::saveMembers(*this, static_cast<const Base&>(*value.base_ptr), 0);
  } else if constexpr (detail::isA<T, cereal::SizeTag>) {
    writer_.becomeArray();
  } else {
    static_assert(!detail::isA<T, cereal::DeferredData>, "Deferred data has no place in JSON.");
    writer_.item();
    write(value);
  }
}

template <class T>
void JsonOutputArchive::write(const T& value) {
  if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    writeScalar(value);
  } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
    writer_.string(value);
  } else if constexpr (std::is_same_v<T, Uuid> || detail::isTaggedId<T>) {
    writer_.string(value.toString());
  } else if constexpr (detail::InputLike<T>) {
    if (value.constant())
      write(*value.constant());
    else
      writer_.null();
  } else if constexpr (detail::isNullable<T>) {
    using Held = std::remove_cvref_t<decltype(*value)>;
    static_assert(!detail::isNullable<Held>, "In JSON an optional of an optional cannot be told from an empty one.");
    static_assert(!detail::isA<T, std::unique_ptr> || !std::is_polymorphic_v<Held>,
                  "Polymorphic pointers have no JSON form.");
    if (value)
      write(*value);
    else
      writer_.null();
  } else if constexpr (detail::isA<T, std::shared_ptr> || detail::isA<T, std::weak_ptr> || std::is_pointer_v<T>) {
    static_assert(detail::alwaysFalse<T>, "Shared and raw pointers have no JSON form: use a value or a unique_ptr.");
  } else if constexpr (detail::isA<T, std::chrono::duration>) {
    writeScalar(value.count());
  } else if constexpr (detail::isA<T, std::chrono::time_point>) {
    writeScalar(value.time_since_epoch().count());
  } else if constexpr (detail::isA<T, std::pair> || detail::isA<T, std::tuple>) {
    writer_.beginArray();
    std::apply([this](const auto&... parts) { ((writer_.item(), this->write(parts)), ...); }, value);
    writer_.end();
  } else if constexpr (detail::SavesItself<T, JsonOutputArchive>) {
    writeClass(value);
  } else if constexpr (detail::MapLike<T>) {
    writeMap(value);
  } else if constexpr (detail::isStdArray<T> || std::is_bounded_array_v<T> || detail::SequenceLike<T> ||
                       detail::SetLike<T>) {
    writeContainer(value);
  } else {
    writeClass(value);
  }
}

template <class T>
void JsonOutputArchive::writeScalar(const T& value) {
  if constexpr (std::is_same_v<T, bool>)
    writer_.boolean(value);
  else if constexpr (std::is_enum_v<T>)
    writeScalar(static_cast<std::underlying_type_t<T>>(value));
  else if constexpr (std::is_same_v<T, float>)
    writer_.number(value);
  else if constexpr (std::is_floating_point_v<T>)
    writer_.number(static_cast<double>(value));
  else if constexpr (std::is_signed_v<T>)
    writer_.signedInteger(value);
  else
    writer_.unsignedInteger(value);
}

template <class T>
void JsonOutputArchive::writeContainer(const T& value) {
  writer_.beginArray();
  if constexpr (detail::Unordered<T>) {
    std::vector<const typename T::value_type*> sorted;
    for (const auto& element : value) sorted.push_back(&element);
    std::sort(sorted.begin(), sorted.end(), [](auto* left, auto* right) { return *left < *right; });
    for (const auto* element : sorted) {
      writer_.item();
      write(*element);
    }
  } else if constexpr (std::is_same_v<T, std::vector<bool>>) {
    for (const bool element : value) {
      writer_.item();
      writer_.boolean(element);
    }
  } else {
    for (const auto& element : value) {
      writer_.item();
      write(element);
    }
  }
  writer_.end();
}

template <class T>
void JsonOutputArchive::writeMap(const T& value) {
  std::vector<const typename T::value_type*> entries;
  for (const auto& entry : value) entries.push_back(&entry);
  if constexpr (detail::Unordered<T>)
    std::sort(entries.begin(), entries.end(), [](auto* left, auto* right) { return left->first < right->first; });

  // Only a map that holds each key once may be an object.
  constexpr bool isUnique = requires(T map) {
    map.try_emplace(std::declval<typename T::key_type>());
  };
  constexpr bool isObject = isUnique && std::is_same_v<typename T::key_type, std::string>;
  if constexpr (isObject)
    writer_.beginObject();
  else
    writer_.beginArray();
  for (const auto* entry : entries) {
    if constexpr (isObject) {
      writer_.key(entry->first);
      write(entry->second);
    } else {
      writer_.item();
      writer_.beginObject();
      writer_.key("key");
      write(entry->first);
      writer_.key("value");
      write(entry->second);
      writer_.end();
    }
  }
  writer_.end();
}

template <class T>
void JsonOutputArchive::writeClass(const T& value) {
  if constexpr (detail::SavesMinimal<T, JsonOutputArchive>) {
    write(detail::saveMinimal(*this, value));
  } else {
    std::uint32_t version = 0;
    if constexpr (detail::SavesVersioned<T, JsonOutputArchive>) version = detail::classVersionOf<T>();
    writer_.beginObject();
    if (version > 0) {
      writer_.key("$version");
      writer_.unsignedInteger(version);
    }
    detail::saveMembers(*this, value, version);
    writer_.end();
  }
}

}  // namespace v1
}  // namespace callsheet
