#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::why {

/// How the stores end the life of an id.
enum class verdict : std::uint8_t {
  /// It is over: answered, handled by all, undone, or refused for good.
  done,
  /// Work is under way, or waits for its time.
  under_way,
  /// Only a person moves it on.
  waits_for_person,
  /// No store knows it.
  not_known,
};

std::string_view name_of(verdict of);

/// A call or a saga's command in an inbox.
struct message_told {
  uuid id{};
  std::string capability{};
  std::string operation{};
  /// As in the inbox: 1 pending, 2 answered, 3 refused.
  int state = 1;
  /// The reply's body, or the error's MessagePack map.
  std::string reply{};
  std::string node{};
  int replica = 0;
  int attempt = 1;
};

struct saga_record_told {
  wall_time at{};
  /// "intent", "done", "parked" ...
  std::string kind{};
  /// The name of the step, or its number if this program does not know the saga.
  std::string step{};
  std::uint32_t attempt = 0;
  /// Of a failure: the error in words.
  std::string reason{};
};

struct saga_told {
  uuid id{};
  std::string capability{};
  std::string operation{};
  /// "forward", "undoing", "completed", "compensated", "parked".
  std::string phase{};
  std::vector<saga_record_told> records{};
};

/// An effect that has no result yet, or whose result is not in the books yet.
struct effect_told {
  uuid key{};
  uuid call{};
  std::string capability{};
  std::string name{};
  /// Settlements that failed; 0 if the outside has not answered yet.
  std::uint32_t unsettled = 0;
  std::string reason{};
};

/// How far one subscriber is with an event.
struct delivery_told {
  std::string capability{};
  bool is_handled = false;
  /// It failed so often, and waits.
  std::uint32_t attempts = 0;
  bool is_dead = false;
  std::string reason{};
};

struct event_told {
  uuid id{};
  std::string topic{};
  std::string key{};
  std::string source{};
  std::string trace{};
  /// In the journal; 0 if it is not there yet, and waits in an outbox or for its time.
  std::uint64_t position = 0;
  /// When it was journaled, or is due.
  wall_time at{};
  bool is_timer = false;
  std::vector<delivery_told> deliveries{};
};

struct letter_told {
  uuid id{};
  uuid event{};
  std::string capability{};
  std::string topic{};
  std::string cause{};
  std::string reason{};
  std::string node{};
  std::uint32_t replica = 0;
  std::uint32_t attempts = 0;
  wall_time first{};
  wall_time last{};
};

/// A change of an event-sourced thing.
struct change_told {
  std::string capability{};
  uuid stream{};
  std::int64_t version = 0;
  std::string type{};
  wall_time at{};
  uuid cause{};
};

/// All that stores and journal have of one id, and of what came of it.
struct life {
  std::vector<message_told> messages{};
  std::vector<saga_told> sagas{};
  std::vector<effect_told> effects{};
  std::vector<event_told> events{};
  std::vector<letter_told> letters{};
  std::vector<change_told> changes{};
  /// What could not be looked at, or is not written down anywhere, in sentences.
  std::vector<std::string> not_known{};
};

/// A verdict, and why in words.
struct judgement {
  verdict is = verdict::not_known;
  std::string why{};
};

/// The one verdict on `asked`: of the thing itself, not of what came of it.
judgement judge(const life& of, const uuid& asked);

/// The life as a page for a terminal, with its verdict.
std::string page_of(const life& of, const uuid& asked);

/// The same as one JSON object.
std::string json_of(const life& of, const uuid& asked);

} // namespace troupe::why
