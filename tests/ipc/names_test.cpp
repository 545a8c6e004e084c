#include "core/names.h"

#include <catch2/catch.hpp>
#include <string>

using callsheet::isValidKind;
using callsheet::isValidName;

TEST_CASE("A name is 1 to 64 letters that are safe in a file name") {
  CHECK(isValidName("a"));
  CHECK(isValidName("Thumbs_2.night-run"));
  CHECK(isValidName(std::string(64, 'x')));
  for (const std::string& bad :
       {std::string(), std::string(65, 'x'), std::string(".hidden"), std::string(".."), std::string("a/b"),
        std::string("a b"), std::string("\xC3\xA4"), std::string("a\0b", 3), std::string("a\n")})
    CHECK_FALSE(isValidName(bad));
}

TEST_CASE("A kind is up to 128 letters and has parts between its slashes") {
  CHECK(isValidKind("resize-image"));
  CHECK(isValidKind("callsheet.command"));
  CHECK(isValidKind("aidbox.bulk/import-resource-task"));
  CHECK(isValidKind(std::string(128, 'k')));
  for (const std::string& bad :
       {std::string(), std::string(129, 'k'), std::string("/a"), std::string("a/"), std::string("a//b"),
        std::string("a/.b"), std::string("a/../b"), std::string(".a"), std::string("a b"), std::string("/")})
    CHECK_FALSE(isValidKind(bad));
}
