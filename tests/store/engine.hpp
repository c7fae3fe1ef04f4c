#pragma once

#include "runtime/ids.hpp"
#include "runtime/store/postgres/database.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "tests/store/postgres/private_server.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace troupe::store {

/// True if the fixtures of this run use PostgreSQL in place of SQLite: TROUPE_TEST_ENGINE says so.
/// CTest runs the suites of what is written for both engines once with each.
inline bool is_on_postgres() {
  const char* const engine = std::getenv("TROUPE_TEST_ENGINE");
  return engine != nullptr && std::string_view{engine} == "postgresql";
}

/// The schema that stands for the database file `path` of a test.
inline std::string schema_of(const std::string& path) {
  return fmt::format("t{:016x}", digest_of(std::as_bytes(std::span{path})));
}

/// Opens the database file `path`, or what stands for it, for data that may be lost.
inline outcome<std::unique_ptr<database>>
open_engine(const std::string& path, const std::string& capability) {
  if (is_on_postgres()) {
    return open_postgres(shared_server().url(), schema_of(path), {.capability = capability});
  }
  return open_sqlite(path, {.capability = capability, .durable = false});
}

/// What stands for the database file `path` where a server is named: the address of a database of
/// its own, made if it is not there yet.
inline std::string place_of(const std::string& path) {
  if (!is_on_postgres()) {
    return path;
  }
  static std::set<std::string> made;
  const std::string name = schema_of(path);
  if (made.insert(name).second) {
    shared_server().run("CREATE DATABASE " + name);
  }
  return shared_server().url_of("postgres", name);
}

/// Of tests that need a server.
inline boost::test_tools::assertion_result has_postgres(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result there{private_server::is_installed()};
  there.message() << "PostgreSQL is not installed";
  return there;
}

} // namespace troupe::store
