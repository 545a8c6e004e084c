#include "tests/demo/compress_job.h"

#include <time.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace callsheet {
inline namespace v1 {

namespace {
std::uint32_t crcOf(std::uint32_t crc, const std::string& bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::string readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

std::int64_t threadMicros() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::int64_t{used.tv_sec} * 1'000'000 + used.tv_nsec / 1000;
}
}  // namespace

std::string readSegment(const Segment& segment) {
  std::string bytes(segment.bytes, '\0');
  std::ifstream file(segment.path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(segment.offset));
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    throw JobError("read", segment.path + " cannot be read");
  return bytes;
}

Compressed CompressJob::execute(JobContext& context) {
  if (handsItselfOver) context.transferToPrincipal();
  const std::int64_t begin = threadMicros();
  Compressed result;
  std::string input;
  for (const Segment& segment : segments) {
    context.throwIfCanceled();
    input += readSegment(segment);
  }
  result.bytesIn = input.size();
  result.crcIn = crcOf(0, input);
  std::string output(::compressBound(input.size()), '\0');
  uLongf size = output.size();
  if (::compress2(reinterpret_cast<Bytef*>(output.data()), &size, reinterpret_cast<const Bytef*>(input.data()),
                  input.size(), 6) != Z_OK)
    throw JobError("zlib", "it cannot be compressed");
  result.bytesOut = size;
  result.file = directory + "/" + context.id().toString() + "-" + context.execID().toString() + ".z";
  const std::string temporary = result.file + ".part";
  {
    std::ofstream file(temporary, std::ios::binary);
    if (!file.write(output.data(), static_cast<std::streamsize>(size)).flush())
      throw JobError("write", temporary + " cannot be written");
  }
  std::filesystem::rename(temporary, result.file);
  result.workMicros = threadMicros() - begin;
  return result;
}

std::string whyWrong(const Compressed& result, const std::vector<Segment>& segments) {
  const std::string output = readFile(result.file);
  if (output.size() != result.bytesOut) return "its file has another size than it says";
  std::string input(result.bytesIn, '\0');
  uLongf size = input.size();
  if (::uncompress(reinterpret_cast<Bytef*>(input.data()), &size, reinterpret_cast<const Bytef*>(output.data()),
                   output.size()) != Z_OK)
    return "its file does not decompress";
  std::size_t at = 0;
  for (const Segment& segment : segments) {
    if (input.compare(at, segment.bytes, readSegment(segment)) != 0) return "its file is not " + segment.path;
    at += segment.bytes;
  }
  if (at != size || crcOf(0, input) != result.crcIn) return "its file holds something else";
  return {};
}

}  // namespace v1
}  // namespace callsheet
