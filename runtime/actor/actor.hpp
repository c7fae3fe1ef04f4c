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

/// The fault in declarations, whatever the turn; nothing if all is well.
std::optional<std::string> fault_in(const wire::actor_description& declared);

/// The base of a capability: a class whose constructor declares the operations it answers, the
/// events it handles and publishes, and the effects it has.
///
/// One instance is one replica. The runtime calls its handlers one at a time, on any thread. It
/// drops the instance and makes a new one when a handler throws, and when a turn that the instance
/// took part in is undone, be it that the turn is run again at once: its handlers are then called
/// for the same messages on the new instance. So keep in members only what the constructor can make
/// again. A refusal (an error returned, a constraint of the database broken, cannot_leave) is no
/// throw: what its handler has changed in members stays, unless it takes that back. An instance
/// that coordinates sagas stays, too. An effect's `run` is called on an instance made for effects
/// alone.
///
/// Handlers are lambdas (not generic ones: the type of the first parameter says what to decode).
/// They return a reply or an `outcome` of one; that of a command, also what `turn::effect`
/// returned. Requests, replies and events have a TROUPE_MESSAGE line; a body that does not decode
/// is answered `invalid`, effect none, before the handler runs.
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

  /// Whether it may publish such events under `topic`.
  /// @errors `internal`, reason `undeclared_topic`.
  outcome<void> may_publish(std::string_view topic, const wire::message_shape& event) const;

  /// Whether it has an effect of that name.
  /// @errors `internal`, reason `undeclared_effect`.
  outcome<void> may_ask_for(std::string_view effect) const;

  /// The description of what the constructor declared, without the name of the type and without
  /// sagas.
  /// @errors `invalid`: an operation or pattern is declared twice, or means no topics.
  outcome<wire::actor_description> declarations() const;

  bool has_effects() const { return !effects_.empty(); }

  /// The work that it does by itself; nothing if the constructor declared none.
  const std::function<void(turn&)>& regular_work() const { return regular_; }

  /// The question which of its matters wait for a person; nothing if the constructor declared
  /// nothing of the kind.
  const std::function<open_matters(store::database&)>& waiting_for_people() const {
    return waiting_for_people_;
  }

  /// The sagas that this actor coordinates, or null.
  virtual saga::coordinators* sagas() { return nullptr; }

protected:
  /// Declares an operation that only reads: it has no turn, no inbox row and no commit, and may run
  /// more than once for one id. `handler` is `(const Request&)` or
  /// `(const Request&, store::database&)`. The database is lent for the call and to its thread; one
  /// that calls begin(), commit(), rollback() or reconnect() is answered `internal`.
  ///
  /// An error that it returns goes to the caller, effect none. One that writes to the database
  /// counts as having thrown: the caller gets `crashed`, effect none, and the replica is made anew.
  template <class Handler>
  void query(std::string operation, Handler handler) {
    operations_.emplace_back(std::move(operation), handlers::make_query(std::move(handler)));
  }

  /// Declares an operation that changes something: it runs in a turn, once for each id, and a
  /// repeat of the id gets the first answer again. `handler` is `(const Request&, turn&)`.
  ///
  /// An error that it returns goes to the caller, effect none, and the turn's writes are undone. A
  /// throw undoes the turn, the caller gets `crashed`, effect none, and the replica is made anew.
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
  /// becomes a dead letter. So is a broken constraint of the database, which counts as `conflict`.
  /// Any other error or throw undoes the turn, and the event comes again after a back-off, up to
  /// the attempts of the topology's `retry`; meanwhile events of other keys go on.
  /// @param pattern a topic, `PREFIX.*` or `*`. The topology's `subscribes` says which topics come;
  /// of several patterns that match, the one declared first handles the event.
  template <class Handler>
  void on(std::string pattern, Handler handler) {
    events_.emplace_back(std::move(pattern), handlers::make_event(std::move(handler)));
  }

  /// Declares that events of type `Event` are published under `topic`. A turn can publish nothing
  /// else: events under another topic, or of another type, are refused (`turn::publish`).
  /// @param topic a topic; `PREFIX.*` or `*` where the topic is known only when it is published.
  template <wire::message Event>
  void publishes(std::string topic) {
    published_.emplace_back(
        std::move(topic), handlers::published{&wire::message_shape_of<Event>()});
  }

  /// Declares work outside the system, which a turn asks for by `turn.effect(name, request)`.
  ///
  /// @param run `outcome<Result>(const Request&, const effect_call&)`: runs after the commit,
  /// outside every lock, possibly several times under the same key. It may block. After an error of
  /// the system or a throw it runs again, at first after 40 ms, at most after 5 s.
  /// @param settle `(const Request&, const outcome<Result>&, turn&)`: runs in a new turn, which
  /// records the result or the business error, and returns the reply to the call that asked: not
  /// `pending`, which does not compile, since nobody would wait for the answer of a second effect.
  /// A throw or a technical error is not that reply: what it wrote is undone, and it runs again
  /// later with the same result, until it succeeds or refuses.
  template <class Result, class Run, class Settle>
  void effect(std::string name, Run run, Settle settle) {
    effects_.emplace_back(
        std::move(name), handlers::make_effect<Result>(std::move(run), std::move(settle)));
  }

  /// Declares what the actor does by itself: `handler` is called in a turn, some four times a
  /// second in each process of the capability that a broker knows to be alive, in one at a time. It
  /// looks into the database whether something is due, and mostly returns at once. The capability
  /// has a store.
  ///
  /// A throw undoes what that call wrote, is logged (`regular_work.failed`), and the next call
  /// comes all the same, on a new instance.
  void regularly(std::function<void(turn&)> handler) { regular_ = std::move(handler); }

  // For the runtime's own actors, whose types are data.
  void declare_command(std::string operation, handlers::command how) {
    operations_.emplace_back(std::move(operation), std::move(how));
  }

  void declare_event(std::string pattern, handlers::event how) {
    events_.emplace_back(std::move(pattern), std::move(how));
  }

  /// Declares what of the capability waits for a person: `look` is called every two seconds in each
  /// process, and `troupe status`, health and metrics tell what it found. It only reads, and is
  /// quick. The capability has a store.
  void waits_for_people(std::function<open_matters(store::database&)> look) {
    waiting_for_people_ = std::move(look);
  }

private:
  std::vector<std::pair<std::string, handlers::operation>> operations_;
  std::vector<std::pair<std::string, handlers::event>> events_;
  std::vector<std::pair<std::string, handlers::effect>> effects_;
  std::vector<std::pair<std::string, handlers::published>> published_;
  std::function<void(turn&)> regular_;
  std::function<open_matters(store::database&)> waiting_for_people_;
};

} // namespace troupe
