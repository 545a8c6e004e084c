#include "ipc/event_loop.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "callsheet/errors.h"
#include "ipc/file_descriptor.h"
#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using namespace std::chrono_literals;
using callsheet::test::waitUntil;

namespace {
struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    reader = FileDescriptor(ends[0]);
    writer = FileDescriptor(ends[1]);
  }
  void write() const { REQUIRE(::write(writer.number(), "x", 1) == 1); }
  void drain() const {
    char bytes[64];
    while (::read(reader.number(), bytes, sizeof bytes) > 0) {
    }
  }
  FileDescriptor reader;
  FileDescriptor writer;
};
}  // namespace

TEST_CASE("A loop may be stopped before it starts and stopped twice") {
  EventLoop never;
  never.stop();
  never.stop();
  CHECK_FALSE(never.post([] {}));
  EventLoop loop;
  loop.start();
  loop.stop();
  loop.stop();
  CHECK_FALSE(loop.post([] {}));
  CHECK_FALSE(loop.run([] {}));
  const EventLoop untouched;
}

TEST_CASE("What was posted to a loop that was never started runs when it is asked to") {
  EventLoop loop;
  int calls = 0;
  loop.post([&] {
    ++calls;
    loop.post([&] { ++calls; });
  });
  CHECK(loop.runPosted());
  CHECK(calls == 1);
  CHECK(loop.runPosted());
  CHECK(calls == 2);
  CHECK_FALSE(loop.runPosted());
}

TEST_CASE("Calls run in their order on the loop's thread, also those posted before the start and before the stop") {
  EventLoop loop;
  std::vector<int> order;
  bool onLoop = true;
  REQUIRE(loop.post([&] { order.push_back(1); }));
  loop.start();
  CHECK_FALSE(loop.isLoopThread());
  for (int i = 2; i <= 1000; ++i)
    REQUIRE(loop.post([&, i] {
      order.push_back(i);
      onLoop = onLoop && loop.isLoopThread();
    }));
  loop.stop();
  REQUIRE(order.size() == 1000);
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(onLoop);
}

TEST_CASE("Running a call waits for it, and on the loop's own thread it runs at once") {
  EventLoop loop;
  loop.start();
  bool inner = false;
  CHECK(loop.run([&] { CHECK(loop.run([&] { inner = true; })); }));
  CHECK(inner);
  std::vector<std::thread> threads;
  int count = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 250; ++j) loop.run([&] { ++count; });
    });
  for (auto& thread : threads) thread.join();
  CHECK(count == 1000);
}

TEST_CASE("Threads that run calls while the loop is stopped all come back") {
  EventLoop loop;
  loop.start();
  std::atomic<int> done{0};
  std::atomic<bool> begun{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (loop.run([&] { ++done; })) begun = true;
    });
  CHECK(waitUntil([&] { return begun.load(); }));
  loop.stop();
  for (auto& thread : threads) thread.join();
  CHECK(done > 0);
}

TEST_CASE("A timer fires once, or again and again, and not after it was canceled or destroyed") {
  EventLoop loop;
  loop.start();
  std::atomic<int> onceCount{0};
  std::atomic<int> everyCount{0};
  std::atomic<int> neverCount{0};
  Timer once = loop.makeTimer([&] { ++onceCount; });
  Timer canceled = loop.makeTimer([&] { ++neverCount; });
  canceled.once(5ms);
  canceled.cancel();
  {
    Timer destroyed = loop.makeTimer([&] { ++neverCount; });
    destroyed.once(5ms);
  }
  Timer every = loop.makeTimer([&] { ++everyCount; });
  once.once(1ms);
  every.every(1ms);
  CHECK(waitUntil([&] { return everyCount >= 20; }));
  CHECK(waitUntil([&] { return onceCount == 1; }));
  every.cancel();
  const int stood = everyCount;
  std::atomic<bool> later{false};
  Timer marker = loop.makeTimer([&] { later = true; });
  marker.once(20ms);
  CHECK(waitUntil([&] { return later.load(); }));
  CHECK(everyCount == stood);
  CHECK(onceCount == 1);
  CHECK(neverCount == 0);
  once.once(0ms);  // again
  CHECK(waitUntil([&] { return onceCount == 2; }));
}

TEST_CASE("A timer keeps its time even when its loop was busy before it was armed") {
  EventLoop loop;
  loop.start();
  std::atomic<std::int64_t> armedAt{0};
  std::atomic<std::int64_t> firedAt{0};
  Timer timer = loop.makeTimer([&] { firedAt = nowNanos(); });
  loop.run([&] {
    const std::int64_t busyUntil = nowNanos() + 50'000'000;
    while (nowNanos() < busyUntil) {
    }
    armedAt = nowNanos();
    timer.once(30ms);
  });
  REQUIRE(waitUntil([&] { return firedAt != 0; }));
  CHECK(firedAt - armedAt >= 28'000'000);
}

TEST_CASE("A callback may destroy its own timer or watch") {
  EventLoop loop;
  loop.start();
  std::atomic<int> count{0};
  auto timer = std::make_unique<Timer>();
  loop.run([&] {
    *timer = loop.makeTimer([&, text = std::string(100, 'x')] {
      timer.reset();
      count += static_cast<int>(text.size());  // what it captured is still there
    });
    timer->every(1ms);
  });
  CHECK(waitUntil([&] { return count == 100; }));
  const Pipe pipe;
  auto watch = std::make_unique<FdWatch>();
  loop.run([&] {
    *watch = loop.watchFd(pipe.reader.number(), [&, text = std::string(100, 'x')] {
      watch.reset();
      count += static_cast<int>(text.size());
    });
  });
  pipe.write();
  CHECK(waitUntil([&] { return count == 200; }));
  loop.stop();
  CHECK(count == 200);
}

TEST_CASE("A watch tells of readable descriptors until it is gone") {
  EventLoop loop;
  const Pipe pipe;
  std::atomic<int> count{0};
  FdWatch watch = loop.watchFd(pipe.reader.number(), [&] {
    pipe.drain();
    ++count;
  });
  loop.start();
  pipe.write();
  CHECK(waitUntil([&] { return count == 1; }));
  pipe.write();
  CHECK(waitUntil([&] { return count == 2; }));
  watch = FdWatch();
  pipe.write();
  loop.run([] {});
  CHECK(count == 2);
  watch = loop.watchFd(pipe.reader.number(), [&] {
    pipe.drain();
    ++count;
  });
  CHECK(waitUntil([&] { return count == 3; }));
  CHECK(test::errorOf([&] { static_cast<void>(loop.watchFd(-1, [] {})); }).kind == ErrorKind::io);
}

TEST_CASE("Timers and watches may outlive their loop and hold others") {
  const Pipe pipe;
  Timer timer;
  FdWatch watch;
  {
    EventLoop loop;
    if (GENERATE(true, false)) loop.start();
    timer = loop.makeTimer([] {});
    timer.every(1ms);
    auto inner = std::make_shared<Timer>(loop.makeTimer([] {}));
    Timer outer = loop.makeTimer([inner] {});
    inner.reset();
    outer.once(1h);
    watch = loop.watchFd(pipe.reader.number(), [] {});
    loop.stop();
    timer.once(1ms);
    CHECK_NOTHROW(loop.makeTimer([] {}).once(1ms));
  }
  timer.cancel();
}

TEST_CASE("A loop can be stopped from its own thread and still does what was posted before") {
  bool lastDone = false;
  EventLoop loop;
  loop.start();
  loop.post([&] {
    loop.post([&] { lastDone = true; });
    loop.stop();
  });
  CHECK(waitUntil([&] { return !loop.post([] {}); }));
  loop.stop();
  CHECK(lastDone);
}

TEST_CASE("A forked child may destroy its copy of a running loop") {
  auto loop = std::make_unique<EventLoop>();
  loop->start();
  std::atomic<int> count{0};
  Timer timer = loop->makeTimer([&] { ++count; });
  timer.every(1ms);
  auto child = test::Child::fork([&](const test::Child::Ready&) {
    if (loop->post([] {}) || loop->run([] {})) return 1;
    timer = Timer();
    loop.reset();
    return 0;
  });
  CHECK(child.join() == 0);
  const int before = count;
  CHECK(waitUntil([&] { return count > before; }));
}

TEST_CASE("Arming a timer does not wait for the loop's thread") {
  EventLoop loop;
  std::atomic<unsigned> rings{0};
  Timer timer = loop.makeTimer([&] { ++rings; });
  loop.start();
  std::atomic<bool> isArmed{false};
  std::atomic<bool> cameFirst{false};
  // As a callback does that wants a lock which the arming thread holds.
  REQUIRE(loop.post([&] { cameFirst = waitUntil([&] { return isArmed.load(); }, 5s); }));
  timer.once(1ms);
  isArmed = true;
  CHECK(waitUntil([&] { return rings == 1; }));
  CHECK(cameFirst);
  timer.every(1ms);
  CHECK(waitUntil([&] { return rings >= 3; }));
}

TEST_CASE("What a call on the loop's thread throws comes to who waits for it, and the loop goes on") {
  EventLoop loop;
  loop.start();
  CHECK_THROWS_AS(loop.run([] { throw Error(ErrorKind::io, "on purpose"); }), Error);
  bool ran = false;
  CHECK(loop.run([&] { ran = true; }));
  CHECK(ran);
}
