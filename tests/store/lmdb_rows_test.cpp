#include "store/lmdb_rows.h"

#include <catch2/catch.hpp>

#include "tests/support/temporary_directory.h"

// The rows inside one transaction, below the verbs: what the cursor of rows and the writes that are kept back must not
// be taken for.
using namespace callsheet;
using namespace callsheet::tests;

namespace {

JobRow rowOf(JobID id, const std::string& kind) {
  JobRow row;
  row.id = id;
  row.kind = kind;
  row.queue = "default";
  return row;
}

}  // namespace

TEST_CASE("A row goes back under its own key wherever the cursor went since it was read") {
  const TemporaryDirectory directory(TemporaryDirectory::Place::memory);
  const SystemClock clock;
  LmdbEnvironment environment(directory.path(), {}, clock);
  const JobID first = makeJobID();
  const JobID second = makeJobID();
  environment.write([] {},
                    [&](MDB_txn* txn) {
                      LmdbRows rows(environment, txn);
                      rows.insertJob(rowOf(first, "one"), {});
                      rows.insertJob(rowOf(second, "two"), {});
                      rows.finish();
                      return true;
                    });
  environment.write([] {},
                    [&](MDB_txn* txn) {
                      LmdbRows rows(environment, txn);
                      auto row = rows.job(first);
                      REQUIRE(row);
                      SECTION("nowhere") {}
                      SECTION("to another row") {
                        CHECK(rows.job(second));
                      }
                      SECTION("to where none is") {
                        CHECK_FALSE(rows.job(makeJobID()));
                      }
                      SECTION("over all of them") {
                        const auto from = keys::jobKey({}, keys::JobPart::row);
                        rows.at(from).scan(from.view(), [](std::string_view, std::string_view) { return true; });
                      }
                      const JobFacts before = *row;
                      row->priority = 7;
                      rows.updateJob(before, *row);
                      rows.finish();
                      return true;
                    });
  environment.read([&](MDB_txn* txn) {
    LmdbRows rows(environment, txn);
    CHECK(rows.job(first)->priority == 7);
    CHECK(rows.job(first)->kind == "one");
    CHECK(rows.job(second)->priority == 0);
    CHECK(rows.job(second)->kind == "two");
    CHECK(rows.totals().jobs() == 2);
  });
}
