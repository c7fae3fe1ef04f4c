#pragma once

#include "tests/store/postgres/postgres_fixture.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace troupe::store {

/// A session with two tables, one of which refers to the other.
struct session_fixture : postgres_fixture {
  std::unique_ptr<postgres_session> session = open();

  session_fixture() {
    session->script("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
                    "CREATE TABLE parts (id INTEGER PRIMARY KEY, "
                    "item INTEGER NOT NULL REFERENCES items (id));");
  }

  std::int64_t items() { return session->integer_of("SELECT count(*) FROM items").value_or(-1); }

  affected insert(std::int64_t id) {
    return session->execute("INSERT INTO items VALUES ($1, $2)", id, "item " + std::to_string(id));
  }

  /// What `act` adds to the session's round trips.
  template <class Act>
  std::uint64_t trips(Act act) {
    const std::uint64_t before = session->round_trips();
    act();
    return session->round_trips() - before;
  }
};

} // namespace troupe::store
