#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/ofd_lock.h"

namespace callsheet {
inline namespace v1 {

/// A file that is on its way: `PATH.part` beside where it is to be, and in a note beside that, `PATH.part.etag`, what
/// the far side called the version that it is of, and how much of it is on the disk for certain: after a reboot no more
/// than that is trusted. Locked while it is open, so that two transfers never write one. Failures of the
/// disk are JobErrors of type `file`; where another try cannot do better they are final. Not thread-safe.
class PartFile {
 public:
  /// Opens what an earlier attempt left, or makes it. JobError("busy") when somebody else writes it.
  PartFile(std::string path, std::string url);

  /// What is there.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// The ETag of the version that it is of, as the far side wrote it; empty: it is not known, so nothing can follow.
  [[nodiscard]] const std::string& etag() const { return etag_; }
  /// Begins anew, with a version of that name.
  void restart(const std::string& etag);
  void append(std::string_view bytes);
  /// So much at most is lost by a reboot.
  static constexpr std::uint64_t unsyncedMax = 32u << 20;
  /// It is whole: brings it to the disk and puts it in its place. `sha256` in hexadecimal, as sha256sum writes it;
  /// empty: any. What has another one is removed: JobError("checksum").
  void finish(const std::string& sha256);
  /// It is of no use to anybody. Does nothing once it was removed, or stands in its place.
  void remove();
  /// The files that a download to `path` needs on its way.
  [[nodiscard]] static std::vector<std::string> filesFor(const std::string& path);

 private:
  /// Brings to the disk what is there, and says so in the note.
  void sync();
  void writeNote() const;

  const std::string path_;
  const std::string url_;
  OfdLock file_;
  std::uint64_t bytes_ = 0;
  std::uint64_t synced_ = 0;  // of those
  std::string etag_;
};

}  // namespace v1
}  // namespace callsheet
