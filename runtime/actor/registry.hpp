#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/config.hpp"
#include "runtime/saga/definition.hpp"
#include "runtime/saga/plan.hpp"
#include "runtime/store/migrations.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace troupe {

/// A kind of actor that topologies can name.
struct actor_type {
  std::string name;
  std::function<std::unique_ptr<actor>(const context&)> make;
  /// The tables of its own; empty if it wants no store.
  std::span<const store::migration> schema{};
  /// Adds what is wrong with a capability's `config`.
  std::function<void(const config_tree&, std::vector<fault>&)> check_config{};
  /// What it answers, for `troupe check`.
  std::vector<std::string> operations{};
  /// The topics it handles events of, or patterns of them.
  std::vector<std::string> events{};
  /// The sagas it coordinates.
  std::vector<saga::definition> sagas{};
  /// Its database has event streams (event_sourced.hpp).
  bool keeps_events = false;

  bool wants_store() const { return !schema.empty() || !sagas.empty(); }
};

/// Whether actors of that type keep events: those over `event_sourced` do.
template <class Actor>
inline constexpr bool is_event_sourced = requires {
  typename Actor::life_type;
};

/// Brings the tables of a capability of that type up to date, those of the runtime first.
/// @errors of store::migrate.
outcome<void> migrate(store::database& session, const clock& time, const actor_type& type);

/// What a topology's `config` may be read as: a message, or nothing at all.
template <class T>
concept config_message = std::is_void_v<T> || wire::message<T>;

/// The type of an actor whose constructor takes a context, and makes the message `Config` of it if
/// there is one. Without one the topology may say no `config`.
template <class Actor, config_message Config = void>
actor_type type_of(
    std::string name,
    std::vector<std::string> operations,
    std::span<const store::migration> schema = {},
    std::vector<std::string> events = {}) {
  actor_type type;
  type.name = std::move(name);
  type.make = [](const context& context) { return std::make_unique<Actor>(context); };
  type.schema = schema;
  type.check_config = [](const config_tree& tree, std::vector<fault>& faults) {
    if constexpr (std::is_void_v<Config>) {
      config_reader{tree, "config", faults}.finish();
    } else {
      Config config{};
      read_config(tree, "config", config, faults);
    }
  };
  type.operations = std::move(operations);
  type.events = std::move(events);
  type.keeps_events = is_event_sourced<Actor>;
  return type;
}

/// The type of an actor that does nothing but run sagas. Deadlines and retries can be tuned in the
/// topology's `config` (saga::tuning, by operation).
actor_type saga_type(std::string name, std::vector<saga::definition> sagas);

/// The actor types of the programs of a project, which defines this: once, in a library that it
/// gives to troupe_programs() (nodes/README.md). What runs, and what a topology is checked against.
std::vector<actor_type> registered_types();

/// The actor types a program has. Made in main() and handed down.
class registry {
public:
  explicit registry(std::vector<actor_type> types) : types_{std::move(types)} {}

  const actor_type* find(const std::string& name) const;

  const std::vector<actor_type>& all() const { return types_; }

private:
  std::vector<actor_type> types_;
};

} // namespace troupe
