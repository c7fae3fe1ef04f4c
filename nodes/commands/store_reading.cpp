#include "nodes/commands/store_reading.hpp"

#include "runtime/broker/journal/tables.hpp"
#include "runtime/store/postgres/database.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "topology/store_path.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <string_view>
#include <system_error>

namespace troupe {

namespace {

// A session name that cannot be mistaken for a process running on the database.
constexpr std::string_view reader_name = "troupe-check";

std::string schema_of(const std::string& owner) {
  return owner == broker::journal_component ? std::string{topology::journal_schema} : owner;
}

} // namespace

outcome<std::unique_ptr<store::database>>
open_to_read(const std::string& store, const std::string& owner) {
  if (!topology::is_on_server(store)) {
    store::sqlite_options options;
    options.read_only = true;
    return store::open_sqlite(topology::path_in(store), options);
  }
  store::postgres_options options;
  options.session_name = reader_name;
  options.read_only = true;
  options.create = false;
  return store::open_postgres(store, schema_of(owner), options);
}

bool is_same_place(const std::string& one, const std::string& other, const std::string& owner) {
  if (one == other) {
    return true;
  }
  if (topology::is_on_server(one) != topology::is_on_server(other)) {
    return false;
  }
  if (!topology::is_on_server(one)) {
    std::error_code failed;
    return std::filesystem::weakly_canonical(topology::path_in(one), failed)
           == std::filesystem::weakly_canonical(topology::path_in(other), failed);
  }
  const auto here = open_to_read(one, owner);
  const auto there = open_to_read(other, owner);
  return here && there && (*here)->instance() == (*there)->instance();
}

std::string place_text(const std::string& store, const std::string& owner) {
  return topology::is_on_server(store) ? fmt::format("the schema {} at {}", schema_of(owner), store)
                                       : topology::path_in(store);
}

} // namespace troupe
