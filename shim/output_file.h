#pragma once
#include <cstdint>
#include <utility>

namespace callsheet {
inline namespace v1 {

/// One stream of the command's output on its way into a file. Of more than `max` bytes the first are given up: the file
/// is renamed when it has half of them, in place of the one that was before it. A full disk costs output, and never
/// stops the command.
class OutputFile {
 public:
  /// Moves a file of this name out of the way first, as that of the attempt before. False with errno.
  [[nodiscard]] bool open(int directory, const char* name, std::uint32_t attempt, std::uint64_t max);
  /// The write end, for the command; -1 once it was closed.
  [[nodiscard]] int commandEnd() const { return commandEnd_; }
  void closeCommandEnd();
  /// To be polled; -1 at the end of the output.
  [[nodiscard]] int readEnd() const { return readEnd_; }
  /// Takes what is there. False when there is nothing now, or will be nothing more.
  bool pump();

  [[nodiscard]] std::uint64_t total() const { return total_; }  ///< bytes that came
  [[nodiscard]] std::uint64_t lost() const { return lost_; }    ///< of those, how many could not be written
  [[nodiscard]] std::uint64_t cut() const { return cut_; }      ///< and were given up at the front
  /// Of the file's first byte among those that were written.
  [[nodiscard]] std::uint64_t start() const { return cut_ + rotated_; }
  [[nodiscard]] std::uint64_t inode() const { return inode_; }  ///< of the file
  /// Whether the file has become another one since this was asked last.
  [[nodiscard]] bool takeRotation() { return std::exchange(hasRotated_, false); }

 private:
  void write(const char* data, std::uint64_t size);
  void rotate();
  void begin(int file);

  int directory_ = -1;
  const char* name_ = nullptr;
  int file_ = -1;
  int readEnd_ = -1;
  int commandEnd_ = -1;
  std::uint64_t max_ = 0;
  std::uint64_t size_ = 0;     // of the file
  std::uint64_t rotated_ = 0;  // of the one before it
  std::uint64_t total_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t cut_ = 0;
  std::uint64_t inode_ = 0;
  bool hasRotated_ = false;
};

}  // namespace v1
}  // namespace callsheet
