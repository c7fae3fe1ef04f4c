#pragma once

#include "runtime/store/database.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "tests/store/engine.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace troupe::store {

/// A folder that goes with the test.
class temporary_folder {
public:
  temporary_folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "troupe-store-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }

  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

/// A database, a file or else a schema, and the usual ways to look at it.
struct store_fixture {
  temporary_folder folder;
  std::string path = folder.file("data/orders.db");
  sqlite_options options{.capability = "orders"};

  outcome<std::unique_ptr<database>> try_open() {
    if (is_on_postgres()) {
      return open_postgres(
          shared_server().url(),
          schema_of(path),
          {.capability = options.capability,
           .create = options.create,
           .statements_max = options.statements_max});
    }
    return open_sqlite(path, options);
  }

  std::unique_ptr<database> open() {
    auto opened = try_open();
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    return std::move(*opened);
  }

  /// The error of an opening that must fail.
  error refusal() {
    auto opened = try_open();
    BOOST_REQUIRE(!opened);
    return opened.error();
  }

  static std::string read_file(const std::string& name) {
    std::ifstream file{name, std::ios::binary};
    return std::string{std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
  }

  static void write_file(const std::string& name, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path{name}.parent_path());
    std::ofstream{name, std::ios::binary | std::ios::trunc} << content;
  }

  static void flip_bit(const std::string& name, std::size_t at) {
    auto content = read_file(name);
    BOOST_REQUIRE(at < content.size());
    content[at] = static_cast<char>(content[at] ^ 0x10);
    write_file(name, content);
  }
};

/// The fault of a call that must throw.
template <class Call>
database_fault fault_of_call(Call call) {
  try {
    call();
  } catch (const database_error& met) {
    return met.kind;
  }
  BOOST_FAIL("it did not throw");
  return database_fault::other;
}

inline std::ostream& operator<<(std::ostream& out, database_fault fault) {
  return out << name_of(fault);
}

} // namespace troupe::store

namespace troupe {

inline std::ostream& operator<<(std::ostream& out, errc code) {
  return out << name_of(code);
}

} // namespace troupe
