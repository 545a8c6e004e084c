#pragma once
#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "callsheet/archive_dispatch.h"
#include "callsheet/limits.h"

// cereal archives to and from natural JSON, the form in which parameters, results and memo values are stored for ever:
//
//   a struct                 an object of its named members (CEREAL_NVP); a member without a name is an Error
//   vector, list, set, array an array; pair and tuple too; a vector of bytes is an array of numbers
//   map with string keys     an object; any other map is an array of {"key":..,"value":..}
//   unordered_map, _set      as above, sorted
//   optional, unique_ptr     null or the value; a missing optional member is read as nullopt. Any other missing one is
//   an Error bool, integers, doubles  themselves; 64 bits exactly; NaN and infinity are Errors enum, duration its
//   integer Uuid, JobID, ...         a string; so are types whose save_minimal gives one CEREAL_CLASS_VERSION n
//   "$version":n in front, in every object of the type, if n > 0; read as 0 where it is missing base_class<B> B's
//   members, among the class's own
//
// Members that are unknown on input are ignored. Documents are at most 64 deep.
namespace callsheet {
inline namespace v1 {
namespace detail {

/// Writes JSON text and knows where it stands in it. Single-threaded.
class JsonWriter {
 public:
  explicit JsonWriter(std::size_t maxBytes) : maxBytes_(maxBytes) {}

  void beginObject() { begin('{'); }
  void beginArray() { begin('['); }
  /// The object begun last, still empty, turns out to be a sequence.
  void becomeArray();
  void end();
  /// Before each named value. The name must stay alive until `end`.
  void key(std::string_view name);
  /// Before each value without a name; an Error inside an object.
  void item();

  void null() { put("null"); }
  void boolean(bool value) { put(value ? "true" : "false"); }
  void signedInteger(std::int64_t value);
  void unsignedInteger(std::uint64_t value);
  void number(double value);
  void number(float value);
  void string(std::string_view value);

  [[nodiscard]] std::string take();

 private:
  struct Frame {
    char opener;
    std::size_t count;
    std::string_view name;
  };
  void begin(char opener);
  void put(std::string_view text);
  void quote(std::string_view text);
  template <class Float>
  void putFloat(Float value);
  [[nodiscard]] std::string where() const;

  std::string text_;
  std::vector<Frame> frames_;
  std::size_t maxBytes_;
  bool implicitObject_ = false;
};

/// Walks through a parsed document. Single-threaded.
class JsonReader {
 public:
  JsonReader(std::string_view text, std::size_t maxBytes);
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  /// Goes to a member of the object here; false if it is missing and may be. The name must stay alive until `leave`.
  [[nodiscard]] bool enterField(std::string_view name, bool mayBeMissing);
  void enterItem(std::size_t index);
  /// Goes to the next value without a name: the document itself, or the next of a sequence.
  void enterNext();
  void leave();

  void expectObject() const;
  [[nodiscard]] std::size_t arraySize() const;
  void expectArrayOf(std::size_t size) const;
  /// The array here will be read by enterNext; its size.
  [[nodiscard]] std::size_t beginSequence();
  /// The names of the object's members, sorted; alive as long as the reader.
  [[nodiscard]] std::vector<std::string_view> keys() const;

  [[nodiscard]] bool isNull() const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::int64_t signedInteger(std::int64_t min, std::int64_t max) const;
  [[nodiscard]] std::uint64_t unsignedInteger(std::uint64_t max) const;
  [[nodiscard]] double number(double max) const;
  [[nodiscard]] const std::string& string() const;

  /// Throws Error(invalid) that starts with the path to this place.
  [[noreturn]] void fail(const std::string& why) const;

 private:
  struct Document;
  std::unique_ptr<Document> document_;
};

}  // namespace detail

/// Writes one value as JSON. `archive(value)` writes the document; `archive(CEREAL_NVP(a), ...)` writes an object.
/// Throws Error(invalid) with the path to what has no JSON form. Single-threaded.
class JsonOutputArchive : public cereal::OutputArchive<JsonOutputArchive>, public cereal::traits::TextArchive {
 public:
  explicit JsonOutputArchive(std::size_t maxBytes = limits::payloadBytesMax)
      : cereal::OutputArchive<JsonOutputArchive>(this), writer_(maxBytes) {}

  template <class... Values>
  JsonOutputArchive& operator()(Values&&... values) {
    (writeMember(values), ...);
    return *this;
  }
  template <class T>
  JsonOutputArchive& operator&(T&& value) {
    return (*this)(value);
  }
  template <class T>
  JsonOutputArchive& operator<<(T&& value) {
    return (*this)(value);
  }

  /// The text; the archive is empty afterwards.
  [[nodiscard]] std::string take() { return writer_.take(); }

 private:
  template <class T>
  void writeMember(const T& value);
  template <class T>
  void write(const T& value);
  template <class T>
  void writeScalar(const T& value);
  template <class T>
  void writeContainer(const T& value);
  template <class T>
  void writeMap(const T& value);
  template <class T>
  void writeClass(const T& value);

  detail::JsonWriter writer_;
};

/// Reads one value from JSON. Throws Error(invalid) with the path to what does not fit; what was read up to there has
/// been assigned. Single-threaded.
class JsonInputArchive : public cereal::InputArchive<JsonInputArchive>, public cereal::traits::TextArchive {
 public:
  explicit JsonInputArchive(std::string_view text, std::size_t maxBytes = limits::payloadBytesMax)
      : cereal::InputArchive<JsonInputArchive>(this), reader_(text, maxBytes) {}

  template <class... Values>
  JsonInputArchive& operator()(Values&&... values) {
    (readMember(values), ...);
    return *this;
  }
  template <class T>
  JsonInputArchive& operator&(T&& value) {
    return (*this)(value);
  }
  template <class T>
  JsonInputArchive& operator>>(T&& value) {
    return (*this)(value);
  }

 private:
  template <class T>
  void readMember(T& value);
  template <class T>
  void read(T& value);
  template <class T>
  void readScalar(T& value);
  template <class T>
  void readContainer(T& value);
  template <class T>
  void readMap(T& value);
  template <class T>
  void readClass(T& value);

  detail::JsonReader reader_;
};

template <class T>
[[nodiscard]] std::string toJson(const T& value, std::size_t maxBytes = limits::payloadBytesMax) {
  JsonOutputArchive archive(maxBytes);
  archive(value);
  return archive.take();
}

template <class T>
void fromJson(std::string_view text, T& value, std::size_t maxBytes = limits::payloadBytesMax) {
  JsonInputArchive archive(text, maxBytes);
  archive(value);
}

template <class T>
[[nodiscard]] T fromJson(std::string_view text, std::size_t maxBytes = limits::payloadBytesMax) {
  T value{};
  fromJson(text, value, maxBytes);
  return value;
}

}  // namespace v1
}  // namespace callsheet

CEREAL_SETUP_ARCHIVE_TRAITS(callsheet::JsonInputArchive, callsheet::JsonOutputArchive)

#include "callsheet/json_archive_read.h"
#include "callsheet/json_archive_write.h"
