#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "callsheet/uuid.h"
#include "ipc/file_descriptor.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

struct TaskStatus;

/// Reads what a task's present attempt printed, from any place on and as it comes, while its shim writes and rotates
/// it. Places are counted in bytes from the first that was ever printed. Not thread-safe.
class OutputReader {
 public:
  enum class Stream { output, errors };

  /// At the first byte that is kept. A task without a directory or a file has printed nothing yet.
  OutputReader(const StoreDirectory& store, JobID job, Stream stream);

  /// Goes on there; before the first byte that is kept means that one.
  void seek(std::uint64_t offset);
  /// Goes on before the last `lines` lines that are there now.
  void seekLines(std::size_t lines);
  /// Takes at most so many bytes of what is there; empty: nothing now. Throws Error when a file cannot be read.
  [[nodiscard]] std::string read(std::size_t bytesMax);
  /// Of the next byte.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  /// How many bytes have been printed and written until now.
  [[nodiscard]] std::uint64_t size();

  /// For poll(): becomes readable when something may have come; begin to watch, then read. -1: there is nothing to
  /// watch, look now and then.
  [[nodiscard]] int descriptor();

 private:
  /// The files as they lie, with the place of their first bytes.
  struct Files {
    FileDescriptor old;  ///< what was rotated away, if it is still there
    FileDescriptor now;
    std::uint64_t oldAt = 0;
    std::uint64_t nowAt = 0;
    std::uint64_t end = 0;
  };
  [[nodiscard]] Files open();
  void watch();
  [[nodiscard]] bool isRotated();
  [[nodiscard]] bool isOfEarlier(const TaskStatus& status) const;
  /// Of the first byte of the file that was written then.
  [[nodiscard]] std::uint64_t startIn(const TaskStatus& status) const;

  const std::string name_;
  const std::string statusName_;
  const bool isErrors_;
  const std::string path_;
  FileDescriptor directory_;
  FileDescriptor file_;  // that is being read
  FileDescriptor changes_;
  std::uint64_t offset_ = 0;
  std::uint64_t fileAt_ = 0;   // of its first byte
  std::uint32_t attempt_ = 0;  // 0: not known yet
};

}  // namespace v1
}  // namespace callsheet
