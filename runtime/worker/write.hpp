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
  /// Whether the result says nothing about the group's health: a repeat answered from the inbox, an
  /// expired call, an effect that has yet to run.
  bool says_nothing = false;
  /// Whether the work of `by` was not committed, or its handler threw: the instance may remember
  /// things that never happened.
  bool spoilt = false;
  /// Whether its failure is stored, with all that is needed to try it again after a pause.
  bool is_put_off = false;
  /// Whether it is an effect's result without a row of this process: settled before, or owned by
  /// another process.
  bool is_not_ours = false;
  /// Whether it is an effect's result that a person had tried in the meantime, and that arrives
  /// again.
  bool is_repeat = false;
  /// The exception of the handler; its instance must not be used any more.
  std::optional<std::string> threw{};
  std::optional<errc> failed{};
  std::chrono::nanoseconds took{};
  answer result{};
  std::unique_ptr<observe::open_span> span{};

  /// The trace for the handler's events, calls and effects.
  /// @param its the message's own trace.
  std::string_view trace(std::string_view its) const { return span ? span->context : its; }

  /// Null if the message's trace is not recorded.
  observe::open_span* recorded() { return span.get(); }
};

/// Whether a failure gets a line in the log: at every power of two, since an outage of a day must
/// not cause 20,000 lines.
inline bool is_worth_a_line(int attempt) {
  return (attempt & (attempt - 1)) == 0;
}

/// Makes `why` the answer.
void set_error(answer& to, const error& why);

/// Makes `why` the result of a write.
void fail(write& each, const error& why);

/// Fails a call that waited for the lock until its deadline. @return whether it did.
bool fail_if_late(write& each, instant began);

} // namespace troupe
