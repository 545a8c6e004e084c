#include "shim/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "shim/clocks.h"
#include "shim/line.h"

namespace callsheet {
inline namespace v1 {

namespace {

// What is beyond is reached when those before it have ended and it has become our own child.
constexpr std::size_t treeMax = 4'096;
struct Member {
  pid_t pid;
  pid_t parent;
};
Member members[treeMax];
std::size_t memberCount;
int groupDirectory = -1;

void killGroup() {
  if (groupDirectory < 0) return;
  const int file = ::openat(groupDirectory, "cgroup.kill", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  (void)!::write(file, "1", 1);
  ::close(file);
}

void addChildren(pid_t parent, int file) {
  // A number may lie across two reads.
  char text[4096];
  std::size_t kept = 0;
  for (;;) {
    const ssize_t size = ::read(file, text + kept, sizeof text - 1 - kept);
    const std::size_t end = kept + (size > 0 ? static_cast<std::size_t>(size) : 0);
    text[end] = '\0';
    char* at = text;
    for (char* space = nullptr; (space = std::strchr(at, ' ')) != nullptr; at = space + 1) {
      if (memberCount == treeMax) return;
      members[memberCount++] = {static_cast<pid_t>(std::strtol(at, nullptr, 10)), parent};
    }
    if (size <= 0) return;
    kept = end - static_cast<std::size_t>(at - text);
    std::memmove(text, at, kept);
  }
}

/// Each thread has a list of the children that it made.
void addChildrenOf(pid_t pid) {
  Name<64> path;
  path << "/proc/" << pid << "/task";
  DIR* const threads = ::opendir(path.zeroed());
  if (threads == nullptr) return;
  while (const dirent* entry = ::readdir(threads)) {
    if (entry->d_name[0] == '.') continue;
    Name<sizeof entry->d_name + 16> list;
    list << entry->d_name << "/children";
    const int file = ::openat(::dirfd(threads), list.zeroed(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    addChildren(pid, file);
    ::close(file);
  }
  ::closedir(threads);
}

void signalMember(const Member& member, int signal) {
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, member.pid, 0));
  if (process < 0) return;
  // Opened before it is looked at: if it still is that parent's child, it is the process that was listed, or one that
  // came after it in the same tree.
  ProcessFacts facts;
  if (readProcessFacts(member.pid, facts) && (facts.parent == member.parent || facts.parent == ::getpid()))
    ::syscall(SYS_pidfd_send_signal, process, signal, nullptr, 0);
  ::close(process);
}

}  // namespace

bool readProcessFacts(pid_t pid, ProcessFacts& facts) {
  Name<64> path;
  path << "/proc/" << pid << "/stat";
  const int file = ::open(path.zeroed(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[1024];
  const ssize_t size = ::read(file, text, sizeof text - 1);
  ::close(file);
  if (size <= 0) return false;
  text[size] = '\0';
  // The name before it may hold anything. Behind it: state, then the parent as field 4, the start as field 22.
  const char* at = std::strrchr(text, ')');
  for (int field = 3; at != nullptr && field <= 22; ++field) {
    at = std::strchr(at + 1, ' ');
    if (at != nullptr && field == 4) facts.parent = static_cast<pid_t>(std::strtol(at + 1, nullptr, 10));
  }
  if (at == nullptr) return false;
  facts.startTime = std::strtoull(at + 1, nullptr, 10);
  return true;
}

void useGroup(int directory) {
  groupDirectory = directory;
}

void signalTree(int signal) {
  if (signal == SIGKILL) killGroup();
  memberCount = 0;
  addChildrenOf(::getpid());
  for (std::size_t next = 0; next < memberCount; ++next) {
    // A stopped process makes no further children, so it is signalled before it is asked for them.
    signalMember(members[next], signal);
    addChildrenOf(members[next].pid);
  }
}

bool killTree(std::int64_t patienceMillis, void (*reap)()) {
  const std::int64_t until = bootNanos() + patienceMillis * 1'000'000;
  for (;;) {
    signalTree(SIGKILL);
    reap();
    siginfo_t any{};
    if (::waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) return true;
    if (bootNanos() >= until) return false;
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace v1
}  // namespace callsheet
