#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/actor/turn_requests.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/lent_session.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::testing {

/// A temporary folder, removed with the object.
class trial_folder {
public:
  /// @throws std::runtime_error if it cannot be made.
  trial_folder();
  trial_folder(const trial_folder&) = delete;
  trial_folder& operator=(const trial_folder&) = delete;
  ~trial_folder();

  std::string path;
};

/// One replica with its own database, called without the runtime: its operations, events and
/// effects as functions. A refusal undoes the handler's writes. There is no inbox: every call
/// reaches the handler. Actions that the runtime forbids a handler (store/lent_session.hpp) throw.
///
/// An operation, event or effect that the actor does not have, or a reply of another type than
/// requested, throws std::logic_error, as it is a fault of the test.
///
/// ```cpp
/// actor_trial notes{type_of<notes_actor>("notes", schema)};
/// const auto added = notes.call<note_added>("add", add_note{"milk"});
/// BOOST_TEST(notes.ask<note_count>("count", count_notes{})->count == 1);
/// BOOST_TEST(notes.number("SELECT COUNT(*) FROM outbox WHERE topic = 'noted'") == 1);
/// ```
class actor_trial {
public:
  /// @param settings its `config`.
  /// @throws what its constructor throws; std::runtime_error if no database can be created.
  explicit actor_trial(const actor_type& type, config_tree settings = {});

  uuid fresh_id() { return ids_.next(time.wall()); }

  /// Asks a query.
  template <wire::message Reply, wire::message Request>
  outcome<Reply> ask(std::string_view operation, const Request& request) {
    return read<Reply>(ask_bytes(operation, wire::encoded(request)));
  }

  /// Calls a command that answers at once.
  template <wire::message Reply, wire::message Request>
  outcome<Reply> call(std::string_view operation, const Request& request) {
    return call_as<Reply>(fresh_id(), operation, request);
  }

  /// The same under a given id, as for a repeat or a saga step.
  template <wire::message Reply, wire::message Request>
  outcome<Reply> call_as(const uuid& id, std::string_view operation, const Request& request) {
    return read<Reply>(call_bytes(id, operation, wire::encoded(request)));
  }

  /// Calls a command that an effect answers, and returns that effect; `effects` has all.
  template <wire::message Request>
  store::effect_row ask_effect(std::string_view operation, const Request& request) {
    return effect_of(operation, wire::encoded(request));
  }

  /// Lets the actor handle an event.
  template <wire::message Event>
  outcome<void> tell(const uuid& id, std::string_view topic, const Event& event) {
    return tell_bytes(id, topic, wire::encoded(event));
  }

  /// The effects that the last turn asked for.
  const std::vector<store::effect_row>& effects() const { return requests_.effects; }

  outcome<std::string> run_effect(const store::effect_row& row);

  /// Settles an effect with its result. As in the runtime, its writes stay even if it refuses; a
  /// technical error undoes them, and leaves the effect to be settled again.
  template <wire::message Reply>
  outcome<Reply> settle(const store::effect_row& row, const outcome<std::string>& result) {
    return read<Reply>(settle_bytes(row, result));
  }

  template <wire::message Reply, wire::message Request>
  outcome<Reply> call_with_effect(std::string_view operation, const Request& request) {
    const auto row = ask_effect(operation, request);
    return settle<Reply>(row, run_effect(row));
  }

  /// The number that a statement returns; -1 for none.
  std::int64_t number(std::string_view sql) { return database->integer_of(sql).value_or(-1); }

  trial_folder folder;
  manual_clock time;
  /// Null if the actor needs no store.
  std::unique_ptr<store::database> database;

private:
  template <wire::message Reply>
  static outcome<Reply> read(const outcome<std::string>& reply) {
    return reply.and_then(wire::checked_decode<Reply>);
  }

  outcome<std::string> ask_bytes(std::string_view operation, const std::string& body);
  outcome<std::string>
  call_bytes(const uuid& id, std::string_view operation, const std::string& body);
  store::effect_row effect_of(std::string_view operation, const std::string& body);
  outcome<void> tell_bytes(const uuid& id, std::string_view topic, const std::string& body);
  outcome<std::string>
  settle_bytes(const store::effect_row& row, const outcome<std::string>& result);

  const handlers::operation& found(std::string_view operation) const;
  const handlers::effect& found_effect(std::string_view name) const;
  outcome<handlers::answered>
  run(const uuid& id, std::string_view operation, std::string_view body, std::string& reply);
  store::database& tables() const;
  /// Begins a turn of the actor; its requests replace those of the last turn.
  turn begin(const uuid& id, const store::lending& lent);

  const std::string capability_ = "test";
  const std::string node_ = "n1";
  config_tree settings_;
  observe::event_log log_{time, "n1", observe::log_format::text};
  uuid_source ids_{1};
  turn_requests requests_;
  std::unique_ptr<store::lent_session> for_handlers_;
  std::unique_ptr<actor> actor_;
};

} // namespace troupe::testing
