#include "api/token_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iostream>
#include <set>
#include <thread>
#include <vector>

#include "callsheet/errors.h"
#include "tests/support/temporary_directory.h"

using namespace callsheet;
using callsheet::tests::TemporaryDirectory;

namespace {
ErrorKind kindOfReading(const std::string& path) {
  try {
    static_cast<void>(readOrMakeToken(path));
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find(path) != std::string::npos);
    return error.kind();
  }
  throw std::runtime_error("it was read");
}
void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
}
std::size_t filesIn(const TemporaryDirectory& directory) {
  const std::filesystem::directory_iterator files(directory.path());
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}
}  // namespace

TEST_CASE("A missing token is made once, for its owner alone, whatever the umask is") {
  const TemporaryDirectory directory;
  const mode_t before = ::umask(0);
  const std::string token = readOrMakeToken(directory / "token");
  ::umask(0777);
  const std::string other = readOrMakeToken(directory / "other");
  ::umask(before);
  CHECK(token.size() == 64);
  CHECK(token.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(token != other);
  CHECK(readOrMakeToken(directory / "token") == token);
  for (const char* name : {"token", "other"}) {
    struct stat status {};
    REQUIRE(::stat((directory / name).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
  }
  CHECK(filesIn(directory) == 2);
}

TEST_CASE("Threads that make a token at the same time get the same") {
  const TemporaryDirectory directory;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> tokens(8);
    std::vector<std::thread> threads;
    for (auto& token : tokens)
      threads.emplace_back([&] { token = readOrMakeToken(directory / std::to_string(round)); });
    for (auto& thread : threads) thread.join();
    CHECK(std::set<std::string>(tokens.begin(), tokens.end()).size() == 1);
  }
  CHECK(filesIn(directory) == 20);
}

TEST_CASE("A token that others may read is refused with what to do") {
  const TemporaryDirectory directory;
  const std::string path = directory / "token";
  static_cast<void>(readOrMakeToken(path));
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    CHECK(kindOfReading(path) == ErrorKind::permission);
  }
  REQUIRE(::chmod(path.c_str(), 0400) == 0);
  CHECK_NOTHROW(readOrMakeToken(path));
}

TEST_CASE("Another user's token is refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "token";
  static_cast<void>(readOrMakeToken(path));
  if (::chown(path.c_str(), 54321, static_cast<gid_t>(-1)) != 0) {
    std::cout << "SKIPPED: giving a directory to another user needs root\n";
    return;
  }
  CHECK(kindOfReading(path) == ErrorKind::permission);
}

TEST_CASE("What is no token's file is refused and stays as it is") {
  const TemporaryDirectory directory;
  for (const std::string& text : {std::string{}, std::string("short\n"), std::string(2000, 'a'),
                                  std::string(20, 'a') + "\n" + std::string(20, 'b'), std::string(20, 'a') + " b"}) {
    write(directory / "token", text);
    CHECK(kindOfReading(directory / "token") == ErrorKind::invalid);
    CHECK(std::filesystem::file_size(directory / "token") == text.size());
  }
  write(directory / "token", "one-of-my-own-choice\r\n");
  CHECK(readOrMakeToken(directory / "token") == "one-of-my-own-choice");
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK(kindOfReading(directory / "pipe") == ErrorKind::invalid);
  REQUIRE(::symlink("token", (directory / "link").c_str()) == 0);
  static_cast<void>(kindOfReading(directory / "link"));
  static_cast<void>(kindOfReading(directory / "no/such/directory"));
}
