#include "runtime/actor/host_store.hpp"

#include "runtime/actor/registry.hpp"
#include "runtime/store/sqlite_database.hpp"
#include "runtime/store/writers.hpp"

namespace troupe {

outcome<std::unique_ptr<host_store>> host_store::open(group& of) {
  worker_parts& parts = of.parts();
  const std::string& path = *of.options().database;
  store::sqlite_options options;
  options.capability = of.name();
  auto database = store::open_sqlite(path, options);
  if (!database) {
    return failure{std::move(database).error()};
  }
  auto gate = store::turnstile::open(path);
  if (!gate) {
    return failure{std::move(gate).error()};
  }
  auto made = std::make_unique<host_store>(host_store{std::move(*database), std::move(*gate), 0});
  auto lock = store::turnstile_guard::lock(made->gate, options.lock_patience);
  if (!lock) {
    return failure{std::move(lock).error()};
  }
  store::database& session = *made->database;
  auto migrated = migrate(session, parts.time, of.type());
  if (!migrated) {
    return failure{std::move(migrated).error()};
  }
  try {
    store::transaction transaction{session};
    made->writer = store::writers{session}.add(parts.node, parts.incarnation, parts.time.wall());
    transaction.commit();
  } catch (const store::database_error& fault) {
    return failure{fault.to_error()};
  }
  return made;
}

} // namespace troupe
