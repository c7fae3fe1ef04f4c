#pragma once

#include "runtime/store/postgres/database.hpp"
#include "runtime/store/postgres/session.hpp"
#include "tests/store/engine.hpp"
#include "tests/store/store_fixture.hpp"

#include <memory>
#include <string>

namespace troupe::store {

/// A schema of its own on the program's server, and the usual ways to look at it.
struct postgres_fixture {
  temporary_folder folder;
  private_server& server = shared_server();
  std::string schema = schema_of(folder.file("orders"));
  postgres_options options{.capability = "orders"};

  outcome<std::unique_ptr<database>> try_open() {
    return open_postgres(server.url(), schema, options);
  }

  std::unique_ptr<postgres_session> open() {
    auto opened = try_open();
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    return std::unique_ptr<postgres_session>{static_cast<postgres_session*>(opened->release())};
  }

  /// The error of an opening that must fail.
  error refusal() {
    auto opened = try_open();
    BOOST_REQUIRE(!opened);
    return opened.error();
  }

  static std::int64_t backend_of(database& session) {
    return session.integer_of("SELECT pg_backend_pid()").value();
  }

  /// Ends the connection of a session, as an administrator does, and waits until it has ended.
  void terminate(std::int64_t backend) {
    postgres_options reading;
    reading.read_only = true;
    const auto other = open_postgres(server.url(), schema, reading);
    BOOST_REQUIRE(other);
    BOOST_TEST(
        (*other)->integer_of("SELECT pg_terminate_backend($1, 60000)", backend).value() == 1);
  }
};

} // namespace troupe::store
