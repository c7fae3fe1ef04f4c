#include "nodes/commands/transfer/new_schema.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <utility>

namespace troupe {

namespace {

// The bytes of a schema's name that are kept where something is added to it. PostgreSQL's names
// have 63 bytes.
constexpr std::size_t schema_bytes_kept = 30;

void drop_schema(const new_schema& made, server_books& books) {
  books.session(made.to.url)
      .script(
          fmt::format("DROP SCHEMA IF EXISTS {} CASCADE", store::quoted_name(made.what.schema())));
}

/// Makes the schema anew and ready, if it is not.
/// @return whether it was made.
outcome<bool> make_schema(
    const new_schema& made,
    const database_identity& identity,
    server_books& books,
    const clock& time) {
  const std::string schema = made.what.schema();
  if (books.look_at(made.to.url, schema).instance == identity.instance) {
    return false;
  }
  drop_schema(made, books);
  auto fresh = open_moving(made.what, made.to, true);
  if (!fresh) {
    return failure{std::move(fresh).error()};
  }
  TROUPE_FAULT("migrate.made");
  if (auto ready = make_ready(made.what, made.from, {fresh->get(), schema}, time); !ready) {
    return failure{std::move(ready).error()};
  }
  TROUPE_FAULT("migrate.ready");
  return true;
}

} // namespace

outcome<database_size>
fill_new_schema(const new_schema& made, server_books& books, const clock& time) {
  try {
    const auto identity = identity_of(made.from);
    if (!identity) {
      return failure{invalid(made.what.owner + ": there is no database to copy")};
    }
    for (;;) {
      const auto is_new = make_schema(made, *identity, books, time);
      if (!is_new) {
        return failure{is_new.error()};
      }
      auto session = open_moving(made.what, made.to, false);
      if (!session) {
        return failure{std::move(session).error()};
      }
      const store::table_space to{session->get(), made.what.schema()};
      if (auto copied = copy_rows(made.what, made.from, to); !copied) {
        return failure{std::move(copied).error()};
      }
      auto size = check_equal(made.what, made.from, to);
      if (size || *is_new || size.error().code != errc::conflict) {
        return size;
      }
      // The source has changed since an earlier call copied it: the copy is made anew.
      session->reset();
      drop_schema(made, books);
    }
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
}

std::string name_aside(const std::string& schema, std::string_view why, const clock& time) {
  std::string stamp = stamp_of(time);
  std::replace(stamp.begin(), stamp.end(), 'T', '-');
  return fmt::format("{}-{}-{}", schema.substr(0, schema_bytes_kept), why, stamp);
}

std::string stamp_of(const clock& time) {
  auto stamp = utc_time_text(time.wall()).substr(0, 19);
  std::replace(stamp.begin(), stamp.end(), ':', '-');
  return stamp;
}

} // namespace troupe
