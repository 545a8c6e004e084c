#pragma once
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "callsheet/job_types.h"

namespace callsheet {
inline namespace v1 {

/// A piece of a file of this machine.
struct Segment {
  std::string path;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(path), CEREAL_NVP(offset), CEREAL_NVP(bytes));
  }
};

/// What a finished job says of its output; the demo decompresses the file and holds both against the segments.
struct Compressed {
  std::string file;
  std::uint64_t bytesIn = 0;
  std::uint64_t bytesOut = 0;
  std::uint32_t crcIn = 0;
  std::int64_t workMicros = 0;  ///< of processor time: what the job is, not how busy the machine was

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(file), CEREAL_NVP(bytesIn), CEREAL_NVP(bytesOut), CEREAL_NVP(crcIn), CEREAL_NVP(workMicros));
  }
};

/// The real work: compresses its segments into one file. Its outside effect is named by its attempt, so that an attempt
/// that was fenced while it wrote disturbs nobody.
struct CompressJob {
  std::vector<Segment> segments;
  std::string directory;
  bool handsItselfOver = false;  ///< as a job does that finds it will take long

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(segments), CEREAL_NVP(directory), CEREAL_NVP(handsItselfOver));
  }
  Compressed execute(JobContext& context);
};

[[nodiscard]] std::string readSegment(const Segment& segment);
/// Decompresses and compares; a sentence when something is wrong.
[[nodiscard]] std::string whyWrong(const Compressed& result, const std::vector<Segment>& segments);

}  // namespace v1
}  // namespace callsheet
