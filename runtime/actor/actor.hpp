#pragma once

#include "runtime/actor/context.hpp"
#include "runtime/actor/handlers.hpp"
#include "runtime/actor/open_matters.hpp"
#include "runtime/actor/turn.hpp"
#include "runtime/wire/description.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

namespace saga {
class coordinators;
} // namespace saga

/// A fault in the declarations of an actor; nothing if there is none.
std::optional<std::string> fault_in(const wire::actor_description& declared);

/// The base of a capability: a class whose constructor declares the operations it answers, the
/// events it handles and publishes, and the effects it has.
///
/// One instance is one replica. The runtime calls its handlers one at a time, on any thread. It
/// replaces the instance by a new one when a handler throws, and when a turn that the instance
/// took part in is undone, even if the turn is run again at once: the handlers are then called for
/// the same messages on the new instance. So keep in members only what the constructor can make
/// again. A refusal (a returned error, a violated constraint of the database, cannot_leave) is no
/// throw: the handler's changes of members stay, unless it reverts them. An instance that
/// coordinates sagas is not replaced either. An effect's `run` is called on an instance made only
/// for effects.
///
/// Handlers are lambdas (not generic ones: the type of the first parameter says what to decode).
/// They return a reply or an `outcome` of one; a command's handler may also return the `pending`
/// of `turn::effect`. Requests, replies and events have a TROUPE_MESSAGE line; a body that does not
/// decode is answered `invalid`, effect none, before the handler runs.
class actor {
public:
  actor() = default;
  actor(const actor&) = delete;
  actor& operator=(const actor&) = delete;
  virtual ~actor() = default;

  /// An operation and its number, in the order of the declarations.
  struct declared_operation {
    const handlers::operation* how = nullptr;
    std::size_t number = 0;
  };

  // For the runtime: looks up what the constructor declared. Returns nothing if there is none.
  declared_operation find(std::string_view name) const;
  const handlers::effect* find_effect(std::string_view name) const;
  /// The handler of the first pattern that matches `topic`.
  const handlers::event* find_event(std::string_view topic) const;

  /// Whether the actor has declared events of this type under `topic`.
  /// @errors `internal`, reason `undeclared_topic`.
  outcome<void> may_publish(std::string_view topic, const wire::message_shape& event) const;

  /// Whether the actor has declared an effect of that name.
  /// @errors `internal`, reason `undeclared_effect`.
  outcome<void> may_ask_for(std::string_view effect) const;

  /// The description of what the constructor declared, without the name of the type and without
  /// sagas.
  /// @errors `invalid`: an operation or pattern is declared twice, or means no topics.
  outcome<wire::actor_description> declarations() const;

  bool has_effects() const { return !effects_.empty(); }

  /// Whether something was declared that is never done without a store.
  bool needs_store() const { return has_effects() || regular_ || waiting_for_people_; }

  /// The regular work of the actor (`regularly`); nothing if the constructor declared none.
  const std::function<void(turn&)>& regular_work() const { return regular_; }

  /// The function that finds matters which wait for a person (`waits_for_people`); nothing if the
  /// constructor declared none.
  const std::function<open_matters(store::database&)>& waiting_for_people() const {
    return waiting_for_people_;
  }

  /// The sagas that this actor coordinates, or null.
  virtual saga::coordinators* sagas() { return nullptr; }

protected:
  /// Declares an operation that only reads: it has no turn, no inbox row and no commit, and may run
  /// more than once for one id. `handler` is `(const Request&)` or
  /// `(const Request&, store::database&)`. The database may be used during the call and on its
  /// thread only; a handler that calls begin(), commit(), rollback() or reconnect() is answered
  /// `internal`. There is no transaction: between two statements another process may commit, so
  /// read in one statement what must agree. Nor does a query wait for commands taken before it.
  ///
  /// A returned error goes to the caller, effect none. A handler that writes to the database counts
  /// as having thrown: the caller gets `crashed`, effect none, and the replica is made again.
  template <class Handler>
  void query(std::string operation, Handler handler) {
    operations_.emplace_back(std::move(operation), handlers::make_query(std::move(handler)));
  }

  /// Declares an operation that changes something: it runs in a turn, once for each id, and a
  /// repeat of the id gets the first answer again. `handler` is `(const Request&, turn&)`.
  ///
  /// A returned error goes to the caller, effect none, and the handler's writes are undone. A
  /// throw undoes the turn, the caller gets `crashed`, effect none, and the replica is made again.
  /// With `store: none` there is nothing to undo, and the effect is unknown.
  template <class Handler>
  void command(std::string operation, Handler handler) {
    operations_.emplace_back(std::move(operation), handlers::make_command(std::move(handler)));
  }

  /// Declares how events are handled: in a turn, once for each event. `handler` is
  /// `(const Event&, turn&)` or `(const Event&, turn&, const event_info&)` and returns nothing or
  /// `outcome<void>`.
  ///
  /// A business refusal (`rejected`, `invalid`, `conflict`, `forbidden`) is final: the event
  /// becomes a dead letter. So is a violated constraint of the database, which counts as
  /// `conflict`. Any other error or throw undoes the turn, and the event is delivered again after a
  /// back-off, up to the attempts of the topology's `retry`; meanwhile events of other keys go on.
  /// @param pattern a topic, `PREFIX.*` or `*`. The topology's `subscribes` says which topics are
  /// delivered; of several matching patterns, the one declared first handles the event.
  template <class Handler>
  void on(std::string pattern, Handler handler) {
    events_.emplace_back(std::move(pattern), handlers::make_event(std::move(handler)));
  }

  /// Declares that events of type `Event` are published under `topic`. Undeclared events, under
  /// another topic or of another type, are refused (`turn::publish`).
  /// @param topic a topic; `PREFIX.*` or `*` where the topic is known only when it is published.
  template <wire::message Event>
  void publishes(std::string topic) {
    published_.emplace_back(
        std::move(topic), handlers::published{&wire::message_shape_of<Event>()});
  }

  /// Declares work outside the system, which a turn asks for by `turn.effect(name, request)`.
  ///
  /// @param run `outcome<Result>(const Request&, const effect_call&)`: runs after the commit,
  /// outside every lock, possibly several times under the same key. It may block. After a technical
  /// error or a throw it runs again, at first after 40 ms, at most after 5 s.
  /// @param settle `(const Request&, const outcome<Result>&, turn&)`: runs in a new turn, which
  /// records the result or the business error, and returns the reply to the call that asked for the
  /// effect. Returning `pending` does not compile, since nobody would wait for the answer of a
  /// second effect. After a throw or a technical error its writes are undone, and it runs again
  /// later with the same result, until it succeeds or refuses.
  template <class Result, class Run, class Settle>
  void effect(std::string name, Run run, Settle settle) {
    effects_.emplace_back(
        std::move(name), handlers::make_effect<Result>(std::move(run), std::move(settle)));
  }

  /// Declares regular work: `handler` is called in a turn, some four times a second in each process
  /// of the capability that a broker knows to be alive, in one process at a time. It should look in
  /// the database whether something is due, and mostly return at once. The capability must have a
  /// store.
  ///
  /// A throw undoes the writes of that call and is logged (`regular_work.failed`); the next call
  /// follows in any case, on a new instance.
  void regularly(std::function<void(turn&)> handler) {
    is_repeated_ = is_repeated_ || regular_;
    regular_ = std::move(handler);
  }

  // For the runtime's own actors, whose message types are known only at run time.
  void declare_command(std::string operation, handlers::command how) {
    operations_.emplace_back(std::move(operation), std::move(how));
  }

  void declare_event(std::string pattern, handlers::event how) {
    events_.emplace_back(std::move(pattern), std::move(how));
  }

  /// Declares how to find matters of the capability that wait for a person: `look` is called every
  /// two seconds in each process, and `troupe status`, health and metrics show its result. It must
  /// only read, and be quick. The capability must have a store.
  void waits_for_people(std::function<open_matters(store::database&)> look) {
    is_repeated_ = is_repeated_ || waiting_for_people_;
    waiting_for_people_ = std::move(look);
  }

private:
  std::vector<std::pair<std::string, handlers::operation>> operations_;
  std::vector<std::pair<std::string, handlers::event>> events_;
  std::vector<std::pair<std::string, handlers::effect>> effects_;
  std::vector<std::pair<std::string, handlers::published>> published_;
  std::function<void(turn&)> regular_;
  std::function<open_matters(store::database&)> waiting_for_people_;
  // `regularly` or `waits_for_people` was called twice.
  bool is_repeated_ = false;
};

} // namespace troupe
