#pragma once

#include "tests/store/faulty_database.hpp"
#include "tests/worker/process_fixture.hpp"

#include <memory>

namespace troupe::test {

/// A process whose database fails on command, under a clock that a test moves.
struct turn_fixture {
  temporary_folder folder;
  manual_clock time;
  probe seen;
  std::unique_ptr<process> p;
  std::unique_ptr<store::database> inner;
  store::faulty_database* faulty = nullptr;

  turn_fixture() { begin(1); }

  void begin(int replicas) {
    p = std::make_unique<process>(
        time,
        "n1",
        things_type(seen),
        things_options(folder, replicas),
        [this](runner_store& store) {
          inner = std::move(store.database);
          auto made = std::make_unique<store::faulty_database>(*inner);
          faulty = made.get();
          store.database = std::move(made);
        });
    p->start();
  }

  ~turn_fixture() { p.reset(); }

  void keep_house() {
    p->keep_house({p->incarnation});
    p->run();
  }

  /// Has the database an effect of this process that no thread runs. @return its key.
  uuid keep_effect() {
    const uuid key = p->fresh_id();
    store::transaction writing{*inner};
    store::effects{*inner}.add(
        {key, p->fresh_id(), "send", wire::encoded(thing{to_string(key)})}, p->store->writer);
    writing.commit();
    return key;
  }

  std::int64_t things() { return p->number("SELECT COUNT(*) FROM things"); }

  std::int64_t inbox() { return p->number("SELECT COUNT(*) FROM inbox"); }
};

} // namespace troupe::test
