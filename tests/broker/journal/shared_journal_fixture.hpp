#pragma once

#include "runtime/broker/journal/journal_options.hpp"
#include "runtime/broker/journal/tables.hpp"
#include "runtime/store/migrations.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "tests/broker/journal/journal_fixture.hpp"

#include <memory>
#include <string>
#include <utility>

namespace troupe::broker {

/// A lease over SQLite, with a clock that the test moves and sessions that it takes away: the same
/// statements as over PostgreSQL.
inline constexpr lease_dialect tested_lease{
    .clock = "(SELECT ms FROM test_clock)",
    .is_attended = "(SELECT is_attended FROM test_clock)",
    .mark = {},
    .keep = {}};

/// A journal that several brokers share; `options`, `journal` and `open` are those of the first.
struct shared_journal_fixture : journal_fixture {
  std::unique_ptr<store::database> aside;

  shared_journal_fixture() {
    aside = session();
    BOOST_REQUIRE(store::migrate(*aside, time, shared_journal_components()));
    aside->execute("CREATE TABLE test_clock (ms INTEGER NOT NULL, is_attended INTEGER NOT NULL)");
    aside->execute("INSERT INTO test_clock VALUES (1000000, 1)");
    options = of_broker("b1");
  }

  std::unique_ptr<store::database> session() {
    auto opened = store::open_sqlite(
        folder.file("data/journal.db"), {.capability = std::string{journal_component}});
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    return std::move(*opened);
  }

  journal_options of_broker(const std::string& name) {
    journal_options made;
    shared_journal place;
    place.connect = [this]() -> outcome<std::unique_ptr<store::database>> {
      return store::open_sqlite(
          folder.file("data/journal.db"), {.capability = std::string{journal_component}});
    };
    place.dialect = &tested_lease;
    place.owner = ids.next(time.wall());
    place.name = name;
    place.endpoint = "tcp://" + name;
    made.shared = std::move(place);
    return made;
  }

  lease_seen look() { return lease_table{*aside, tested_lease}.look(); }

  void pass(milliseconds by) {
    time.advance(by);
    aside->execute("UPDATE test_clock SET ms = ms + $1", by.count());
  }

  void set_attended(bool is) { aside->execute("UPDATE test_clock SET is_attended = $1", is); }

  /// Takes what is there now, for this broker.
  outcome<std::unique_ptr<journal_writer>> take(journal_options& with, journal_state& state) {
    with.shared->seen = look();
    return journal_writer::open(with, time, state);
  }
};

} // namespace troupe::broker
