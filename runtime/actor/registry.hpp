#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/config.hpp"
#include "runtime/saga/definition.hpp"
#include "runtime/store/migrations.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace troupe {

/// An actor type, which topologies can name.
struct actor_type {
  std::string name;
  std::function<std::unique_ptr<actor>(const context&)> make;
  /// The tables of the capability itself; empty if it needs no store.
  std::span<const store::migration> schema{};
  /// Adds the faults of a capability's `config`.
  std::function<void(const config_tree&, std::vector<fault>&)> check_config{};
  /// The operations, subscriptions and published events of its actors.
  wire::actor_description description{};
  /// The sagas that its actors coordinate.
  std::vector<saga::definition> sagas{};
  /// Whether its database has event streams (event_sourced.hpp).
  bool keeps_events = false;
  /// Whether its effects call capabilities that its `config` names (`context::ask`).
  bool asks_others = false;
  /// Whether its actors have effects.
  bool has_effects = false;
  /// Whether its actors declare what is never done without a store (`actor::needs_store`).
  bool needs_store = false;

  bool wants_store() const {
    return !schema.empty() || !sagas.empty() || keeps_events || needs_store;
  }
};

/// Whether actors of that class keep events: those that derive from `event_sourced` do.
template <class Actor>
inline constexpr bool is_event_sourced = requires {
  typename Actor::life_type;
};

/// The components of the database of a capability of that type, those of the runtime first. Borrows
/// `type`.
std::vector<store::component> components_of(const actor_type& type);

/// Brings the tables of a capability of that type up to date, those of the runtime first.
/// @errors of store::migrate.
outcome<void> migrate(store::database& session, const clock& time, const actor_type& type);

/// `type` with its actor's declarations. Makes one instance in a trial context
/// (`context::is_trial`) and drops it. Throws std::logic_error if the constructor throws, or if
/// the declarations have faults.
actor_type with_declarations(actor_type type);

/// `type`, if its operations, and the topics that its actor handles, are these, in any order.
/// Throws std::logic_error if they are not.
actor_type with_names(
    actor_type type,
    const std::vector<std::string>& operations,
    const std::vector<std::string>& handles);

/// A type as which a topology's `config` may be read: a message, or nothing at all.
template <class T>
concept config_message = std::is_void_v<T> || wire::message<T>;

/// Adds the faults of `tree` as a `Config`. If all types are right, a function
/// `std::optional<config_problem> problem_of(const Config&)` beside `Config` may find more.
template <config_message Config>
void check_config(const config_tree& tree, std::vector<fault>& faults) {
  if constexpr (std::is_void_v<Config>) {
    config_reader{tree, "config", faults}.finish();
  } else {
    Config config{};
    const std::size_t before = faults.size();
    read_config(tree, "config", config, faults);
    if constexpr (requires { problem_of(config); }) {
      if (faults.size() == before) {
        if (std::optional<config_problem> wrong = problem_of(config)) {
          faults.push_back({tree.at, std::move(wrong->what), std::move(wrong->remedy)});
        }
      }
    }
  }
}

/// The type of actors made by `Actor{context}`, with `schema` for their tables. The operations and
/// topics are those that the constructor declares (`with_declarations`).
///
/// @tparam Config the TROUPE_MESSAGE that a topology's `config` is read as; without one, a topology
/// may give no `config`.
template <class Actor, config_message Config = void>
actor_type type_of(std::string name, std::span<const store::migration> schema = {}) {
  return with_declarations(
      {.name = std::move(name),
       .make = [](const context& context) { return std::make_unique<Actor>(context); },
       .schema = schema,
       .check_config = check_config<Config>,
       .keeps_events = is_event_sourced<Actor>});
}

/// The same for a project that lists the operations and topics of its actors in one place. Throws
/// std::logic_error if the constructor declares other operations or handles other topics.
template <class Actor, config_message Config = void>
actor_type type_of(
    std::string name,
    const std::vector<std::string>& operations,
    std::span<const store::migration> schema = {},
    const std::vector<std::string>& handles = {}) {
  return with_names(type_of<Actor, Config>(std::move(name), schema), operations, handles);
}

/// The type of an actor that only runs `sagas`. The topology's `config` can tune their deadlines
/// and retries (saga::tuning, by operation).
actor_type saga_type(std::string name, std::vector<saga::definition> sagas);

/// The actor types of a project's programs, which they run and check topologies against. The
/// project defines this function once, in a library that it passes to troupe_programs()
/// (nodes/README.md).
std::vector<actor_type> registered_types();

/// The actor types of a program. Made in main() and passed down.
class registry {
public:
  explicit registry(std::vector<actor_type> types) : types_{std::move(types)} {}

  const actor_type* find(const std::string& name) const;

  const std::vector<actor_type>& all() const { return types_; }

private:
  std::vector<actor_type> types_;
};

} // namespace troupe
