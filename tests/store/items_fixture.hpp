#pragma once

#include "tests/store/store_fixture.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace troupe::store {

/// A session with two tables, one of which refers to the other.
struct items_fixture : store_fixture {
  std::unique_ptr<database> session = open();

  items_fixture() {
    session->script("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
                    "CREATE TABLE parts (id INTEGER PRIMARY KEY, "
                    "item INTEGER NOT NULL REFERENCES items (id));");
  }

  std::int64_t items() { return session->integer_of("SELECT count(*) FROM items").value_or(-1); }

  void insert(std::int64_t id) {
    session->execute("INSERT INTO items VALUES ($1, $2)", id, "item " + std::to_string(id));
  }
};

} // namespace troupe::store
