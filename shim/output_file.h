#pragma once
#include <cstdint>

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

 private:
  void write(const char* data, std::uint64_t size);
  void rotate();

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
};

}  // namespace v1
}  // namespace callsheet
