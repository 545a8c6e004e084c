#include "callsheet/uuid.h"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

namespace callsheet {
inline namespace v1 {

namespace {

// Counts forks, so that a child never hands out what its parent has in store.
std::atomic<unsigned> forks{0};
[[maybe_unused]] const int countsForks = ::pthread_atfork(nullptr, nullptr, [] { ++forks; });

/// A system call for each id would be the dearest part of making one.
void fillRandom(std::uint8_t* out, std::size_t size) {
  struct Reserve {
    std::array<std::uint8_t, 256> bytes;  // up to this much getrandom never cuts short
    std::size_t used = sizeof bytes;
    unsigned forks = 0;
  };
  thread_local Reserve reserve;
  const unsigned now = forks.load(std::memory_order_relaxed);
  if (reserve.used + size > reserve.bytes.size() || reserve.forks != now) {
    while (::getrandom(reserve.bytes.data(), reserve.bytes.size(), 0) != static_cast<ssize_t>(reserve.bytes.size())) {
    }
    reserve.used = 0;
    reserve.forks = now;
  }
  std::memcpy(out, reserve.bytes.data() + reserve.used, size);
  reserve.used += size;
}

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Uuid::toString() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  const bool dashed = text.size() == 36;
  if (!dashed && text.size() != 32) return std::nullopt;
  Uuid uuid;
  std::size_t digit = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (dashed && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = hexValue(text[i]);
    if (value < 0) return std::nullopt;
    uuid.bytes[digit / 2] = static_cast<std::uint8_t>(uuid.bytes[digit / 2] * 16 + value);
    ++digit;
  }
  return uuid;
}

Uuid Uuid::makeV7() {
  static std::mutex mutex;
  static std::uint64_t last = 0;  // milliseconds << 12 | counter: grows even when the clock stands still or steps back
  Uuid uuid;
  fillRandom(uuid.bytes.data() + 8, 8);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto millis = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::uint64_t stamp = 0;
  {
    const std::lock_guard lock(mutex);
    stamp = std::max(last + 1, millis << 12);
    last = stamp;
  }
  const std::uint64_t time = stamp >> 12;
  for (int i = 0; i < 6; ++i) uuid.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(time >> (40 - 8 * i));
  uuid.bytes[6] = static_cast<std::uint8_t>(0x70 | ((stamp >> 8) & 0x0F));
  uuid.bytes[7] = static_cast<std::uint8_t>(stamp);
  uuid.bytes[8] = static_cast<std::uint8_t>(0x80 | (uuid.bytes[8] & 0x3F));
  return uuid;
}

Uuid Uuid::makeV4() {
  Uuid uuid;
  fillRandom(uuid.bytes.data(), 16);
  uuid.bytes[6] = static_cast<std::uint8_t>(0x40 | (uuid.bytes[6] & 0x0F));
  uuid.bytes[8] = static_cast<std::uint8_t>(0x80 | (uuid.bytes[8] & 0x3F));
  return uuid;
}

namespace {
void putBig(std::uint8_t* at, std::uint64_t value, int width) {
  for (int i = 0; i < width; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * (width - 1 - i)));
}
std::uint64_t takeBig(const std::uint8_t* at, int width) {
  std::uint64_t value = 0;
  for (int i = 0; i < width; ++i) value = value << 8 | at[i];
  return value;
}
}  // namespace

// 48 bits of milliseconds; 7; 10 bits of microseconds, 2 random; 10; 30 random; the microseconds again.
JobID detail::jobIDAt(std::uint64_t utcMicros, std::uint32_t random) {
  JobID id;
  std::uint8_t* const bytes = id.value.bytes.data();
  putBig(bytes, utcMicros / 1000, 6);
  putBig(bytes + 6, 0x7000 | utcMicros % 1000 << 2 | random >> 30, 2);
  putBig(bytes + 8, 0x80000000 | (random & 0x3FFFFFFF), 4);
  putBig(bytes + 12, utcMicros & 0xFFFFFFFF, 4);
  return id;
}

std::uint64_t detail::millisecondOf(JobID id) {
  return takeBig(id.value.bytes.data(), 6) * 1000;
}

bool carriesItsTime(JobID id) {
  const std::uint8_t* const bytes = id.value.bytes.data();
  const std::uint64_t fraction = (takeBig(bytes + 6, 2) & 0x0FFF) >> 2;
  const std::uint64_t micros = detail::millisecondOf(id) + fraction;
  return bytes[6] >> 4 == 7 && bytes[8] >> 6 == 2 && fraction < 1000 && takeBig(bytes + 12, 4) == (micros & 0xFFFFFFFF);
}

JobID makeJobID() {
  static std::atomic<std::uint64_t> last{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto micros = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  std::uint64_t before = last.load(std::memory_order_relaxed);
  std::uint64_t mine = 0;
  do {
    mine = std::max(before + 1, micros);
  } while (!last.compare_exchange_weak(before, mine, std::memory_order_relaxed));
  std::uint8_t random[4];
  fillRandom(random, sizeof random);
  return detail::jobIDAt(mine, static_cast<std::uint32_t>(takeBig(random, 4)));
}

ClaimID makeClaimID() {
  ClaimID claim{Uuid::makeV7()};
  for (std::size_t i = 12; i < 16; ++i) claim.value.bytes[i] = 0;
  return claim;
}

ExecID execIDOf(ClaimID claim, std::uint32_t index) {
  ExecID exec{claim.value};
  const std::uint32_t number = index + 1;
  for (std::size_t i = 0; i < 4; ++i) exec.value.bytes[12 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return exec;
}

std::string shortIDOf(JobID id) {
  return id.toString().substr(28);
}

}  // namespace v1
}  // namespace callsheet
