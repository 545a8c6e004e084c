#include "jobs/claim_shares.h"

#include <catch2/catch.hpp>

#include "core/names.h"

using namespace callsheet;

namespace {
const std::vector<std::string> kinds{"works", "waits", commandKind, downloadKind, uploadKind};

ClaimShares sharesOf(unsigned workers, unsigned waiting, unsigned transfers) {
  return {kinds, workers, {{"waits"}, waiting}, transfers};
}

/// What a claim asks for.
std::vector<std::string> asked(ClaimShares& shares, const ClaimShares::Taken& taken) {
  Claim claim;
  return shares.fill(claim, taken) ? claim.kinds : std::vector<std::string>{};
}
}  // namespace

TEST_CASE("A claim asks for the kinds that have room, and for no more jobs than the least of it") {
  ClaimShares shares = sharesOf(4, 3, 2);
  Claim claim;
  CHECK_FALSE(shares.fill(claim, {}));  // nobody said that there is anything
  shares.awaken();
  CHECK(shares.fill(claim, {}));
  CHECK(claim.max == 2);
  CHECK(claim.kinds == std::vector<std::string>{"works", commandKind, "waits", downloadKind, uploadKind});
  CHECK(asked(shares, {4, 0, 0}) == std::vector<std::string>{"waits", downloadKind, uploadKind});
  CHECK(asked(shares, {4, 5, 0}) == std::vector<std::string>{downloadKind, uploadKind});
  CHECK(asked(shares, {1, 3, 2}) == std::vector<std::string>{"works", commandKind});
  CHECK(asked(shares, {4, 3, 2}).empty());
  Claim own;
  CHECK(shares.fill(own, {1, 3, 2}));
  CHECK(own.max == 3);
}

TEST_CASE("What a claim asked for is asked for again only when there is more, and what had no room when it has") {
  ClaimShares shares = sharesOf(1, 1, 1);
  shares.awaken();
  CHECK(asked(shares, {0, 1, 1}) == std::vector<std::string>{"works", commandKind});
  shares.wasSent();
  CHECK(shares.isAwake());
  CHECK(asked(shares, {0, 0, 1}) == std::vector<std::string>{"waits"});
  shares.wasSent();
  shares.isMore();
  CHECK(asked(shares, {0, 0, 1}) == std::vector<std::string>{"waits"});
  shares.wasSent();
  CHECK(asked(shares, {0, 0, 0}) == std::vector<std::string>{downloadKind, uploadKind});
  shares.wasSent();
  CHECK_FALSE(shares.isAwake());
  shares.awaken();
  CHECK(asked(shares, {1, 0, 1}) == std::vector<std::string>{"waits"});
}

TEST_CASE("A director without places for a share asks for none of it") {
  ClaimShares shares({"works"}, 1, {}, 16);
  shares.awaken();
  CHECK(asked(shares, {1, 0, 0}).empty());
  CHECK(asked(shares, {0, 0, 0}) == std::vector<std::string>{"works"});
  shares.wasSent();
  CHECK_FALSE(shares.isAwake());
}
