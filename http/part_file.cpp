#include "http/part_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

#include "callsheet/errors.h"
#include "callsheet/job_context.h"
#include "callsheet/json_archive.h"
#include "ipc/file_descriptor.h"
#include "ipc/process_state.h"
#include "ipc/write_all.h"

namespace callsheet {
inline namespace v1 {

namespace {
[[noreturn]] void fail(const std::string& what, int why) {
  // Room, descriptors and memory come back; a directory that is not there does not.
  const bool mayPass = why == ENOSPC || why == EDQUOT || why == EIO || why == EMFILE || why == ENFILE || why == ENOMEM;
  throw JobError("file", what + ": " + std::strerror(why), mayPass);
}

std::string partOf(const std::string& path) {
  return path + ".part";
}
/// Beside the part: which version of what it is.
std::string noteOf(const std::string& path) {
  return path + ".part.etag";
}

/// The part, locked. Whoever had it before may have put it in its place meanwhile; then it is another file.
OfdLock openPart(const std::string& name) {
  for (;;) {
    OfdLock file(ForkGuardedDescriptor::open(
        [&] { return ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666); }));
    if (file.descriptor() < 0) fail(name + " cannot be made", errno);
    struct stat found {};
    if (::fstat(file.descriptor(), &found) != 0) fail(name + " cannot be looked at", errno);
    if (!S_ISREG(found.st_mode)) throw JobError("file", name + " is no file", false);
    if (!file.tryLock()) throw JobError("busy", "another transfer writes " + name);
    if (file.isAt(name)) return file;
  }
}

/// What is known of a part.
struct Note {
  std::string url;
  std::string etag;
  std::string boot;  ///< in which it was written
  std::uint64_t synced = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(url), CEREAL_NVP(etag), CEREAL_NVP(boot), CEREAL_NVP(synced));
  }
};

/// Nothing where there is no note, or it is of something else.
std::optional<Note> noteFor(const std::string& path, const std::string& url) {
  std::ifstream file(noteOf(path));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Note note;
  try {
    fromJson(text, note);
  } catch (const Error&) {
    return std::nullopt;
  }
  return note.url == url ? std::optional(note) : std::nullopt;
}

std::string sha256Of(int file) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> hash(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!hash || EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) != 1)
    throw JobError("checksum", "the system's libcrypto has no SHA-256", false);
  std::array<char, 1u << 16> piece;
  for (off_t at = 0;;) {
    const ssize_t size = ::pread(file, piece.data(), piece.size(), at);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) fail("what was fetched cannot be read", errno);
    if (size == 0) break;
    EVP_DigestUpdate(hash.get(), piece.data(), static_cast<std::size_t>(size));
    at += size;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_DigestFinal_ex(hash.get(), digest.data(), &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    constexpr const char* digits = "0123456789abcdef";
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

void syncDirectoryOf(const std::string& path) {
  const std::string parent = path.substr(0, path.rfind('/') + 1);
  const FileDescriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Where it may be written but not read, the rename is all that can be had.
  if (directory.isOpen() && ::fsync(directory.number()) != 0) fail(parent + " cannot be brought to the disk", errno);
}
}  // namespace

PartFile::PartFile(std::string path, std::string url)
    : path_(std::move(path)), url_(std::move(url)), file_(openPart(partOf(path_))) {
  struct stat file {};
  if (::fstat(file_.descriptor(), &file) != 0) fail(partOf(path_) + " cannot be looked at", errno);
  bytes_ = static_cast<std::uint64_t>(file.st_size);
  if (const auto note = noteFor(path_, url_)) {
    etag_ = note->etag;
    synced_ = std::min(note->synced, bytes_);
    // What was only on its way to the disk may have come there in part.
    if (note->boot != currentBootID().toString()) bytes_ = synced_;
  }
  if (::ftruncate(file_.descriptor(), static_cast<off_t>(bytes_)) != 0 || ::lseek(file_.descriptor(), 0, SEEK_END) < 0)
    fail(partOf(path_) + " cannot be written", errno);
}

void PartFile::restart(const std::string& etag) {
  // First the old name goes, then the old bytes, then the new name comes: never a name beside bytes of another version.
  ::unlink(noteOf(path_).c_str());
  if (::ftruncate(file_.descriptor(), 0) != 0 || ::lseek(file_.descriptor(), 0, SEEK_SET) < 0)
    fail(partOf(path_) + " cannot be written", errno);
  bytes_ = synced_ = 0;
  etag_ = etag;
  if (!etag.empty()) writeNote();
}

void PartFile::writeNote() const {
  // Whole or not there: under another name first.
  const std::string name = noteOf(path_) + "~";
  const FileDescriptor note(::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666));
  const std::string text = toJson(Note{url_, etag_, currentBootID().toString(), synced_});
  if (!note.isOpen() || !writeAll(note.number(), text) || ::rename(name.c_str(), noteOf(path_).c_str()) != 0)
    fail(noteOf(path_) + " cannot be written", errno);
}

void PartFile::sync() {
  if (::fdatasync(file_.descriptor()) != 0) fail(partOf(path_) + " cannot be brought to the disk", errno);
  synced_ = bytes_;
  writeNote();
}

void PartFile::append(std::string_view bytes) {
  if (!writeAll(file_.descriptor(), bytes)) fail(partOf(path_) + " cannot be written", errno);
  bytes_ += bytes.size();
  if (!etag_.empty() && bytes_ - synced_ >= unsyncedMax) sync();
}

void PartFile::finish(const std::string& sha256) {
  if (!sha256.empty()) {
    const std::string found = sha256Of(file_.descriptor());
    if (found != sha256) {
      remove();
      throw JobError("checksum", "its SHA-256 is " + found + " and not " + sha256);
    }
  }
  if (::fsync(file_.descriptor()) != 0) fail(partOf(path_) + " cannot be brought to the disk", errno);
  if (::rename(partOf(path_).c_str(), path_.c_str()) != 0) fail(path_ + " cannot be put in its place", errno);
  ::unlink(noteOf(path_).c_str());
  ::unlink((noteOf(path_) + "~").c_str());
  file_ = {};  // whoever makes a part of that name now has one of his own
  syncDirectoryOf(path_);
}

void PartFile::remove() {
  if (!file_.isHeld()) return;
  for (const std::string& name : filesFor(path_)) ::unlink(name.c_str());
  file_ = {};
}

std::vector<std::string> PartFile::filesFor(const std::string& path) {
  return {noteOf(path) + "~", noteOf(path), partOf(path)};
}

}  // namespace v1
}  // namespace callsheet
