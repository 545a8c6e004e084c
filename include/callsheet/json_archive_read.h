#pragma once
// The template part of JsonInputArchive; included by callsheet/json_archive.h, which is the header to include.
#include "callsheet/json_archive.h"

namespace callsheet {
inline namespace v1 {

template <class T>
void JsonInputArchive::readMember(T& value) {
  using Value = std::remove_const_t<T>;
  if constexpr (detail::isA<Value, cereal::NameValuePair>) {
    using Held = std::remove_cvref_t<decltype(value.value)>;
    if constexpr (detail::isA<Held, std::optional>) {
      if (!reader_.enterField(value.name, true)) {
        value.value.reset();
        return;
      }
    } else {
      // An input that the code binds need not be among the parameters.
      if (!reader_.enterField(value.name, detail::InputLike<Held>)) return;
    }
    read(value.value);
    reader_.leave();
  } else if constexpr (detail::isBaseClass<Value>) {
    detail::loadMembers(*this, *value.base_ptr, 0);
  } else if constexpr (detail::isA<Value, cereal::SizeTag>) {
    value.size = reader_.beginSequence();
  } else {
    reader_.enterNext();
    read(value);
    reader_.leave();
  }
}

template <class T>
void JsonInputArchive::read(T& value) {
  if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    readScalar(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    value = reader_.string();
  } else if constexpr (std::is_same_v<T, Uuid> || detail::isTaggedId<T>) {
    const auto parsed = T::parse(reader_.string());
    if (!parsed) reader_.fail("expected an id such as 018f3a60-1111-7222-8333-444455556666");
    value = *parsed;
  } else if constexpr (detail::InputLike<T>) {
    if (reader_.isNull()) return;
    typename T::Value constant{};
    read(constant);
    value.setConstant(std::move(constant));
  } else if constexpr (detail::isA<T, std::optional>) {
    if (reader_.isNull()) return value.reset();
    read(value.emplace());
  } else if constexpr (detail::isA<T, std::unique_ptr>) {
    if (reader_.isNull()) return value.reset();
    value = T(new std::remove_cvref_t<decltype(*value)>());
    read(*value);
  } else if constexpr (detail::isA<T, std::chrono::duration>) {
    typename T::rep count{};
    readScalar(count);
    value = T{count};
  } else if constexpr (detail::isA<T, std::chrono::time_point>) {
    typename T::rep count{};
    readScalar(count);
    value = T{typename T::duration{count}};
  } else if constexpr (detail::isA<T, std::pair> || detail::isA<T, std::tuple>) {
    reader_.expectArrayOf(std::tuple_size_v<T>);
    std::size_t index = 0;
    const auto readPart = [&](auto& part) {
      reader_.enterItem(index++);
      read(part);
      reader_.leave();
    };
    std::apply([&](auto&... parts) { (readPart(parts), ...); }, value);
  } else if constexpr (detail::LoadsItself<T, JsonInputArchive>) {
    readClass(value);
  } else if constexpr (detail::MapLike<T>) {
    readMap(value);
  } else if constexpr (detail::isStdArray<T> || std::is_bounded_array_v<T> || detail::SequenceLike<T> ||
                       detail::SetLike<T>) {
    readContainer(value);
  } else {
    readClass(value);
  }
}

template <class T>
void JsonInputArchive::readScalar(T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    value = reader_.boolean();
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> plain{};
    readScalar(plain);
    value = static_cast<T>(plain);
  } else if constexpr (std::is_floating_point_v<T>) {
    constexpr bool isFloat = std::is_same_v<T, float>;
    value = static_cast<T>(reader_.number(isFloat ? static_cast<double>(std::numeric_limits<float>::max())
                                                  : std::numeric_limits<double>::max()));
  } else if constexpr (std::is_signed_v<T>) {
    value = static_cast<T>(reader_.signedInteger(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  } else {
    value = static_cast<T>(reader_.unsignedInteger(std::numeric_limits<T>::max()));
  }
}

template <class T>
void JsonInputArchive::readContainer(T& value) {
  if constexpr (detail::isStdArray<T> || std::is_bounded_array_v<T>) {
    reader_.expectArrayOf(std::size(value));
    std::size_t index = 0;
    for (auto& element : value) {
      reader_.enterItem(index++);
      read(element);
      reader_.leave();
    }
  } else {
    const std::size_t size = reader_.arraySize();
    value.clear();
    for (std::size_t index = 0; index < size; ++index) {
      reader_.enterItem(index);
      typename T::value_type element{};
      read(element);
      if constexpr (detail::SetLike<T>)
        value.insert(std::move(element));
      else
        value.push_back(std::move(element));
      reader_.leave();
    }
  }
}

template <class T>
void JsonInputArchive::readMap(T& value) {
  constexpr bool isUnique = requires(T map) {
    map.try_emplace(std::declval<typename T::key_type>());
  };
  constexpr bool isObject = isUnique && std::is_same_v<typename T::key_type, std::string>;
  value.clear();
  if constexpr (isObject) {
    for (const std::string_view name : reader_.keys()) {
      (void)reader_.enterField(name, false);
      typename T::mapped_type mapped{};
      read(mapped);
      value.emplace(std::string(name), std::move(mapped));
      reader_.leave();
    }
  } else {
    const std::size_t size = reader_.arraySize();
    for (std::size_t index = 0; index < size; ++index) {
      reader_.enterItem(index);
      typename T::key_type key{};
      typename T::mapped_type mapped{};
      (void)reader_.enterField("key", false);
      read(key);
      reader_.leave();
      (void)reader_.enterField("value", false);
      read(mapped);
      reader_.leave();
      value.emplace(std::move(key), std::move(mapped));
      reader_.leave();
    }
  }
}

template <class T>
void JsonInputArchive::readClass(T& value) {
  if constexpr (detail::LoadsMinimal<T, JsonInputArchive>) {
    detail::loadMinimal<JsonOutputArchive>(*this, value, [this](auto& plain) { this->read(plain); });
  } else {
    std::uint32_t version = 0;
    if constexpr (detail::LoadsVersioned<T, JsonInputArchive>) {
      if (reader_.enterField("$version", true)) {
        readScalar(version);
        reader_.leave();
      }
    }
    if constexpr (std::is_empty_v<T>) reader_.expectObject();
    detail::loadMembers(*this, value, version);
  }
}

}  // namespace v1
}  // namespace callsheet
