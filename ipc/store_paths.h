#pragma once
#include <sys/types.h>

#include <compare>
#include <string>
#include <string_view>

#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

/// A store's directory `LOCATION/ID.callsheet`, held open: its paths, its identity, and the proof that it is ours and
/// on a filesystem where locks can be trusted. Immutable after opening, so it may be read on any thread.
class StoreDirectory {
 public:
  struct Options {
    bool create = false;                  ///< make what is missing; otherwise a missing store is an Error
    bool allowForeignFilesystem = false;  ///< the caller vouches for locks and mapped memory on it
  };
  /// Equal for two paths that lead to the same store.
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    friend auto operator<=>(const Identity&, const Identity&) = default;
  };

  /// Throws Error: invalid (the id, or a directory that is not a store), notFound, permission (another user's, or open
  /// to others), unsupported (filesystem).
  [[nodiscard]] static StoreDirectory open(const std::string& location, std::string_view id, Options options);
  [[nodiscard]] static StoreDirectory open(const std::string& location, std::string_view id);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] Identity identity() const { return identity_; }
  /// An O_PATH descriptor, good for openat() and its kin, and for /proc/self/fd/N where a path must be short.
  [[nodiscard]] int descriptor() const { return directory_.number(); }
  /// The directory itself, absolute: where LMDB keeps data.mdb and lock.mdb.
  [[nodiscard]] const std::string& dataPath() const { return path_; }
  /// An absolute path below it, for example path("run/board").
  [[nodiscard]] std::string path(std::string_view below) const { return path_ + "/" + std::string(below); }
  /// A path below it that is short whatever the store's own path is and stays right when a parent is renamed; of use in
  /// this process only.
  [[nodiscard]] std::string shortPath(std::string_view below) const;

  static constexpr const char* presences = "run/a";
  static constexpr const char* bells = "run/bells";
  static constexpr const char* tasks = "tasks";

 private:
  StoreDirectory() = default;
  [[nodiscard]] static StoreDirectory openChecked(const std::string& location, std::string_view id, Options options);

  std::string id_;
  std::string path_;
  FileDescriptor directory_;
  Identity identity_;
};

/// Whether a filesystem of this fstatfs() type is local and known to keep locks, renames and mapped memory right.
[[nodiscard]] bool isKnownFilesystem(long type);

}  // namespace v1
}  // namespace callsheet
