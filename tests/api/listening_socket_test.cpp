#include "api/listening_socket.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "callsheet/errors.h"
#include "tests/api/http_stage.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
template <class Call>
ErrorKind kindOf(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  throw std::runtime_error("it was allowed");
}
struct Store {
  TemporaryDirectory scratch;
  StoreDirectory directory = StoreDirectory::open(scratch.path(), "main", {.create = true});
  [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(directory.path(name)); }
  [[nodiscard]] ino_t inodeOf(const std::string& name) const {
    struct stat status {};
    REQUIRE(::lstat(directory.path(name).c_str(), &status) == 0);
    return status.st_ino;
  }
  [[nodiscard]] std::size_t files() const {
    const std::filesystem::directory_iterator all(directory.dataPath());
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
};
// A socket's file whose process is dead.
void leaveStale(const StoreDirectory& store, const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, store.shortPath(name).c_str());
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(socket.number(), 1) == 0);
}
}  // namespace

TEST_CASE("A store's socket is for its owner alone, whatever the umask is, and goes with its server") {
  const Store store;
  const std::size_t files = store.files();
  for (const mode_t mask : {0U, 0777U}) {
    const mode_t before = ::umask(mask);
    const auto socket = ListeningSocket::unixSocket(store.directory, "api.sock");
    ::umask(before);
    struct stat status {};
    REQUIRE(::lstat(store.directory.path("api.sock").c_str(), &status) == 0);
    CHECK(S_ISSOCK(status.st_mode));
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(store.files() == files + 1);
  }
  CHECK(store.files() == files);
}

TEST_CASE("A dead server's socket is replaced, a living one's is not") {
  const Store store;
  leaveStale(store.directory, "api.sock");
  const ino_t stale = store.inodeOf("api.sock");
  {
    const auto socket = ListeningSocket::unixSocket(store.directory, "api.sock");
    CHECK(store.inodeOf("api.sock") != stale);
    CHECK(kindOf([&] { static_cast<void>(ListeningSocket::unixSocket(store.directory, "api.sock")); }) ==
          ErrorKind::conflict);
    CHECK(HttpClient::toUnix(store.directory, "api.sock").isConnected());
  }
  CHECK_FALSE(store.has("api.sock"));
}

TEST_CASE("A socket's file that is another one's by now is left alone") {
  const Store store;
  {
    const auto socket = ListeningSocket::unixSocket(store.directory, "api.sock");
    std::filesystem::rename(store.directory.path("api.sock"), store.directory.path("moved"));
    leaveStale(store.directory, "api.sock");
  }
  CHECK(store.has("api.sock"));
}

TEST_CASE("What is no socket is not replaced, and a bad name makes none") {
  const Store store;
  std::ofstream(store.directory.path("precious")) << "data";
  const auto kind = [&](const std::string& name) {
    return kindOf([&] { static_cast<void>(ListeningSocket::unixSocket(store.directory, name)); });
  };
  CHECK(kind("precious") == ErrorKind::invalid);
  {
    // Living, but of another kind.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, store.directory.shortPath("bell").c_str());
    const FileDescriptor bell(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(bell.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const ino_t inode = store.inodeOf("bell");
    CHECK_THROWS_AS(ListeningSocket::unixSocket(store.directory, "bell"), Error);
    CHECK(store.inodeOf("bell") == inode);
  }
  CHECK(std::filesystem::file_size(store.directory.path("precious")) == 4);
  for (const std::string& name : {std::string{}, std::string("../x"), std::string(100, 'a')})
    CHECK(kind(name) == ErrorKind::invalid);
}

TEST_CASE("A killed server's half-made socket is removed by the next one when it is old") {
  const Store store;
  leaveStale(store.directory, ".listen-old");
  leaveStale(store.directory, ".listen-new");
  const timespec longAgo[2] = {{1000, 0}, {1000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, store.directory.path(".listen-old").c_str(), longAgo, 0) == 0);
  const auto socket = ListeningSocket::unixSocket(store.directory, "api.sock");
  CHECK_FALSE(store.has(".listen-old"));
  CHECK(store.has(".listen-new"));
}

TEST_CASE("A store may lie deeper than a socket's address is long") {
  HttpStage stage({}, "/" + std::string(120, 'd') + "/" + std::string(120, 'e'));
  CHECK(stage.store.path("api.sock").size() > 240);
  CHECK(stage.unixClient().ask("GET", "/echo").status == 200);
  stage.server.stop();
  CHECK_FALSE(std::filesystem::exists(stage.store.path("api.sock")));
}

TEST_CASE("Only loopback addresses are listened at") {
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.168.0.1:0", "127.0.0.2:0", "example.org:0", ":0", "127.0.0.1",
                              "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "::1:0", ""}) {
    INFO(address);
    CHECK(kindOf([&] { static_cast<void>(ListeningSocket::tcpSocket(address)); }) == ErrorKind::usage);
  }
  CHECK(ListeningSocket::tcpSocket("localhost:0").address().starts_with("127.0.0.1:"));
  const auto socket = ListeningSocket::tcpSocket("127.0.0.1:0");
  CHECK(socket.address() != "127.0.0.1:0");
  CHECK(kindOf([&] { static_cast<void>(ListeningSocket::tcpSocket(socket.address())); }) == ErrorKind::conflict);
}

TEST_CASE("A server's port can be taken again at once") {
  std::string address;
  {
    HttpStage stage;
    auto client = stage.tcpClient();
    CHECK(client.ask("GET", "/echo").status == 200);
    address = stage.address;
  }
  CHECK(ListeningSocket::tcpSocket(address).address() == address);
}

TEST_CASE("Requests are answered at the loopback address of IPv6") {
  HttpStage stage;
  std::string six;
  try {
    six = stage.server.listenTcp("[::1]:0");
  } catch (const Error& error) {
    std::cout << "SKIPPED: there is no IPv6 here\n";
    return;
  }
  CHECK(six.starts_with("[::1]:"));
  CHECK(HttpClient::toTcp(six).ask("GET", "/echo").status == 200);
}

TEST_CASE("Another user's process is refused at the Unix socket") {
  HttpStage stage;
  if (::geteuid() != 0) {
    std::cout << "SKIPPED: only root can make a store somebody else's\n";
    return;
  }
  for (const std::string& path : {stage.directory.path(), stage.store.dataPath(), stage.store.path("api.sock")})
    REQUIRE(::chmod(path.c_str(), 0777) == 0);
  HttpReply reply;
  std::thread([&] {
    // The system call itself changes one thread alone, unlike the library's function.
    if (::syscall(SYS_setresuid, -1, 65534, -1) != 0) return;
    auto client = stage.unixClient();
    reply = client.ask("GET", "/echo");
  }).join();
  CHECK(reply.status == 403);
  CHECK(reply.body.find("http/forbidden-peer") != std::string::npos);
  CHECK(stage.unixClient().ask("GET", "/echo").status == 200);
}
