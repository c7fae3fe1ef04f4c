#pragma once

#include "runtime/error.hpp"
#include "runtime/observe/span.hpp"
#include "runtime/supervision/breaker.hpp"
#include "runtime/worker/item.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace troupe {

class actor;

/// The answer to an item, if it has one.
struct answer {
  enum class kind : std::uint8_t { none, ok, error, pending };

  kind is = kind::none;
  /// The reply's body, or the error's MessagePack map.
  std::string bytes;
};

/// One item of a writing turn, and its result.
struct write {
  item* what = nullptr;
  actor* by = nullptr;
  int replica = 0;
  supervision::admitted admitted{};
  bool with_savepoint = false;
  /// The handler was called in the last attempt.
  bool ran = false;
  /// The result says nothing about the group's health: a repeat answered from the inbox, a call
  /// whose time was up, an effect that has yet to run.
  bool says_nothing = false;
  /// What `by` did for it was not committed, or its handler threw: what that instance remembers
  /// may never have happened.
  bool spoilt = false;
  /// Its failure is written down, with all that is needed to try it again after a pause.
  bool is_put_off = false;
  /// An effect's result that has no row of this process: settled before, or somebody else's.
  bool is_not_ours = false;
  /// An effect's result that a person has had tried meanwhile, and that comes again.
  bool is_repeat = false;
  /// The handler threw this; its instance is not to be trusted any more.
  std::optional<std::string> threw{};
  std::optional<errc> failed{};
  std::chrono::nanoseconds took{};
  answer result{};
  std::unique_ptr<observe::open_span> span{};

  /// The trace that whatever comes out of its handler carries.
  /// @param its the trace of the message.
  std::string_view trace(std::string_view its) const { return span ? span->context : its; }

  /// Null if the message's trace is not recorded.
  observe::open_span* recorded() { return span.get(); }
};

/// Whether a failure is worth a line in the log: at every power of two, since what is down for a
/// day is not worth 20,000 lines.
inline bool is_worth_a_line(int attempt) {
  return (attempt & (attempt - 1)) == 0;
}

/// Makes `why` the answer.
void set_error(answer& to, const error& why);

/// Makes `why` the result of a write.
void fail(write& each, const error& why);

/// Fails a call that had waited for the lock until its time was up. @return whether it did.
bool fail_if_late(write& each, instant began);

} // namespace troupe
