#include "nodes/commands/transfer/new_schema.hpp"

#include "nodes/commands/transfer/name_aside.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

uuid id_of_begun_copy(const uuid& instance) {
  return derived_id(instance, "a copy that is not ready");
}

void drop_schema(const new_schema& made, server_books& books) {
  books.session(made.to.url)
      .script(
          fmt::format("DROP SCHEMA IF EXISTS {} CASCADE", store::quoted_name(made.what.schema())));
}

/// Creates the schema, unless it exists and is complete. Drops only a copy that was begun by such a
/// command.
/// @return whether it was created.
outcome<bool> make_schema(
    const new_schema& made,
    const database_identity& identity,
    server_books& books,
    const clock& time) {
  const std::string schema = made.what.schema();
  const schema_content there = books.look_at(made.to.url, schema);
  switch (progress_of(there, identity.instance)) {
  case copy_progress::ready:
    return false;
  case copy_progress::foreign:
    return failure{not_the_copy(made.to.url, schema, there)};
  case copy_progress::begun:
    drop_schema(made, books);
    break;
  case copy_progress::none:
    break;
  }
  TROUPE_TRY(auto fresh, open_moving(made.what, made.to, id_of_begun_copy(identity.instance)));
  TROUPE_FAULT("migrate.made");
  TROUPE_CHECK(make_ready(made.what, made.from, {fresh.get(), schema}, time));
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
      TROUPE_TRY(const auto is_new, make_schema(made, *identity, books, time));
      TROUPE_TRY(auto session, open_moving(made.what, made.to));
      const store::table_space to{session.get(), made.what.schema()};
      TROUPE_CHECK(copy_rows(made.what, made.from, to));
      auto size = check_equal(made.what, made.from, to);
      if (size || is_new || size.error().code != errc::conflict) {
        return size;
      }
      // The source has changed since an earlier call copied it: copy it again.
      session.reset();
      drop_schema(made, books);
    }
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
}

copy_progress progress_of(const schema_content& there, const uuid& instance) {
  if (there.tables == 0) {
    return copy_progress::none;
  }
  if (there.instance == instance) {
    return copy_progress::ready;
  }
  return there.instance == id_of_begun_copy(instance) ? copy_progress::begun
                                                      : copy_progress::foreign;
}

error not_the_copy(const std::string& url, const std::string& schema, const schema_content& there) {
  return invalid(fmt::format(
      "{}: the schema {} has {} by now, which is no copy of this one, and is left alone: name "
      "another one, or, if nobody needs it, DROP SCHEMA {} CASCADE",
      url,
      schema,
      there.instance ? fmt::format(
          "another database ({}, of `{}` in the system `{}`)",
          to_string(*there.instance),
          there.capability,
          there.system)
                     : "tables that Troupe did not make",
      store::quoted_name(schema)));
}

std::string free_name_aside(
    store::database& session, const std::string& schema, std::string_view why, const clock& time) {
  std::string stamp = stamp_of(time);
  std::ranges::replace(stamp, 'T', '-');
  const std::string first = name_aside(schema, fmt::format("{}-{}", why, stamp));
  std::string name = first;
  for (int i = 2;
       session.integer_of("SELECT count(*) FROM pg_namespace WHERE nspname = $1", name) != 0;
       ++i) {
    name = name_aside(schema, fmt::format("{}-{}-{}", why, stamp, i));
  }
  return name;
}

std::string stamp_of(const clock& time) {
  auto stamp = utc_time_text(time.wall()).substr(0, 19);
  std::ranges::replace(stamp, ':', '-');
  return stamp;
}

} // namespace troupe
