#include "director/waiting_writer.h"

#include "core/quiet_thread.h"
#include "director/stopped_writer_watch.h"
#include "ipc/principal_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {
using std::chrono::milliseconds;

// Nearly every commit is over by then, and nobody has looked.
constexpr milliseconds lookAfter{250};
constexpr milliseconds lookPeriod{250};
}  // namespace

WaitingWriter::WaitingWriter(std::shared_ptr<const StoreDirectory> directory, milliseconds limit, LogSink log)
    : directory_(std::move(directory)), limit_(limit), log_(std::move(log)), thread_(quietThread([this] { run(); })) {}

WaitingWriter::~WaitingWriter() {
  {
    const std::lock_guard lock(mutex_);
    isStopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void WaitingWriter::begin() {
  const std::lock_guard lock(mutex_);
  isWaiting_ = true;
  changed_.notify_all();
}

void WaitingWriter::end() {
  const std::lock_guard lock(mutex_);
  isWaiting_ = false;
  changed_.notify_all();
}

void WaitingWriter::run() {
  std::unique_lock lock(mutex_);
  while (!isStopping_) {
    changed_.wait(lock, [this] { return isWaiting_ || isStopping_; });
    const bool isOver = changed_.wait_for(lock, lookAfter, [this] { return !isWaiting_ || isStopping_; });
    if (!isOver) watch(lock);
  }
}

void WaitingWriter::watch(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  Board board = Board::openIfPossible(*directory_);
  StoppedWriterWatch writers(board, limit_, lookPeriod, log_);
  lock.lock();
  while (isWaiting_ && !isStopping_) {
    lock.unlock();
    // A living principal looks for everybody.
    if (board.tryAgain() && !PrincipalLock::holder(*directory_)) writers.tick(false);
    lock.lock();
    changed_.wait_for(lock, lookPeriod, [this] { return !isWaiting_ || isStopping_; });
  }
}

}  // namespace v1
}  // namespace callsheet
