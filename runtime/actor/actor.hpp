#pragma once

#include "runtime/actor/context.hpp"
#include "runtime/actor/handlers.hpp"
#include "runtime/actor/turn.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

namespace saga {
class coordinators;
} // namespace saga

/// What a capability author derives from: a class that says, in its constructor, what it answers.
///
/// One instance is one replica. Its handlers run one at a time, on whatever thread the runtime
/// chooses; it is thrown away and made anew when one of them throws, and when a turn it took part
/// in could not be committed, so keep in members only what the constructor can make again. (An
/// effect's `run` is called on an instance of its own, made for that.)
///
/// Request and reply types have a TROUPE_MESSAGE line. Handlers return a reply, an `outcome` of
/// one, or what `turn::effect` returned. Register with lambdas, not generic ones: their first
/// parameter says what to decode.
class actor {
public:
  actor() = default;
  actor(const actor&) = delete;
  actor& operator=(const actor&) = delete;
  virtual ~actor() = default;

  /// The operation called `name`, or nothing. For the runtime.
  const handlers::operation* find(std::string_view name) const;
  const handlers::effect* find_effect(std::string_view name) const;
  std::vector<std::string> operations() const;

  /// The handler for events of `topic`: the first that was registered with a matching pattern.
  const handlers::event* find_event(std::string_view topic) const;
  /// The patterns of `on`, in order.
  std::vector<std::string> events() const;

  bool has_effects() const { return !effects_.empty(); }

  /// The sagas this actor coordinates, if it does.
  virtual saga::coordinators* sagas() { return nullptr; }

protected:
  /// Reads only: no inbox, no commit. `handler(const Request&)` or
  /// `handler(const Request&, store::database&)`.
  template <class Handler>
  void query(std::string operation, Handler handler) {
    operations_.emplace_back(std::move(operation), handlers::make_query(std::move(handler)));
  }

  /// Changes something: runs in a turn, once for each id. `handler(const Request&, turn&)`.
  template <class Handler>
  void command(std::string operation, Handler handler) {
    operations_.emplace_back(std::move(operation), handlers::make_command(std::move(handler)));
  }

  /// What to do when an event of a topic comes: in a turn, once for each. `handler(const Event&,
  /// turn&)` or `(const Event&, turn&, const event_info&)`, returning nothing or `outcome<void>`.
  ///
  /// A business refusal (`rejected`, `invalid`, `conflict`, `forbidden`) is final: a dead letter. A
  /// constraint of the database that is broken is a `conflict`.
  /// Any other error, and any other throw, is tried again with back-off while events of other keys
  /// go on.
  /// @param pattern a topic, `PREFIX.*` or `*`; the topology's `subscribes` says which of them
  /// come.
  template <class Handler>
  void on(std::string pattern, Handler handler) {
    events_.emplace_back(std::move(pattern), handlers::make_event(std::move(handler)));
  }

  /// Work outside the system, asked for with `turn.effect(name, request)`.
  ///
  /// @param run `outcome<Result>(const Request&, const effect_call&)`: outside every lock, possibly
  /// several times under the same key. It may block. A technical error is tried again.
  /// @param settle `(const Request&, const outcome<Result>&, turn&)`: a new turn that writes down
  /// what came of it and returns the reply to the call that asked.
  template <class Result, class Run, class Settle>
  void effect(std::string name, Run run, Settle settle) {
    effects_.emplace_back(
        std::move(name), handlers::make_effect<Result>(std::move(run), std::move(settle)));
  }

private:
  std::vector<std::pair<std::string, handlers::operation>> operations_;
  std::vector<std::pair<std::string, handlers::event>> events_;
  std::vector<std::pair<std::string, handlers::effect>> effects_;
};

} // namespace troupe
