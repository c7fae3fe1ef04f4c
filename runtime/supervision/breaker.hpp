#pragma once

#include "runtime/backoff.hpp"
#include "runtime/error.hpp"
#include "runtime/supervision/breaker_options.hpp"
#include "runtime/supervision/outcome_window.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::supervision {

enum class breaker_state : std::uint8_t {
  closed,
  open,
  half_open,
  forced_open,
  forced_closed,
  disabled,
};

/// "half_open": as logs and `why` write it.
std::string_view name_of(breaker_state state);

/// The mode a person can put a breaker into (README, B10).
enum class breaker_mode : std::uint8_t {
  /// The breaker decides for itself.
  automatic,
  /// Refuses every call.
  open,
  /// Lets every call through, whatever fails.
  closed,
  /// The same as `closed`, shown as switched off.
  disabled,
};

/// "auto", "open", "closed" or "disabled": as people write it and as it is stored.
std::string_view name_of(breaker_mode mode);

/// The mode called `name`, if there is one.
std::optional<breaker_mode> mode_named(std::string_view name);

/// The mode a person set, with who and why. The owner stores it, so that it survives a restart.
struct forced_state {
  breaker_mode mode = breaker_mode::automatic;
  std::string who{};
  std::string why{};
};

/// The end of an admitted call.
enum class call_result : std::uint8_t {
  /// The call ended with an answer; a business refusal is one too.
  ok,
  failed,
  timed_out,
};

/// The result as which a call counts that ended in `code`. Nothing if the call was refused before
/// any work, which tells nothing about the capability's health: `cancel` it (README, B7 and B8).
std::optional<call_result> result_of(errc code);

/// Permission for one call. To be returned with its result, once.
struct admitted {
  std::uint64_t epoch = 0;
  /// The number of a probe, leased until `probe_deadline` from now; 0: not a probe.
  std::uint64_t probe = 0;
};

/// The call must not be made; its caller gets `circuit_open`, which counts nowhere (README, B7).
struct refused {
  /// The time until the breaker decides or lets probes through; not a promise. At least 1 ms.
  milliseconds retry_after{};
};

using admission = std::variant<admitted, refused>;

/// A change of state, for the log (README, B12).
struct breaker_transition {
  breaker_state from = breaker_state::closed;
  breaker_state to = breaker_state::closed;
  /// The epoch that begins.
  std::uint64_t epoch = 0;
  instant at;
  std::string reason{};
  /// The person who ordered the change; empty if the breaker decided by itself.
  std::string who{};
};

/// A circuit breaker as a pure state machine: no clock, no thread, no log of its own.
///
/// Belongs to one owner and one thread. `admit` and `record` run for every call: while the breaker
/// is closed they are O(1) and allocate nothing. Each change of state is appended to `transitions`.
/// `now` never goes back from call to call. README.md has the rules, B1 to B12.
class breaker {
public:
  /// @param options within their ranges; the topology checks them.
  /// @param seed of the jitter of its waits.
  /// @param stored the mode a person had set before the process was restarted.
  breaker(
      const breaker_options& options, std::uint64_t seed, instant now, forced_state stored = {});

  /// Whether a call may be made now.
  admission admit(instant now, std::vector<breaker_transition>& transitions);

  /// Counts the result of an admitted call. Results of a past epoch change nothing, nor does a
  /// probe's second result, nor one that comes at its deadline or later: by then the probe failed.
  ///
  /// @param took how long the call took; counts only where the options have a window.
  void record(
      call_result result,
      const admitted& call,
      std::chrono::nanoseconds took,
      instant now,
      std::vector<breaker_transition>& transitions);

  /// Takes back an admitted call without a meaningful result: its caller gave up, or it was refused
  /// before any work. A probe's permit becomes free again (README, B8).
  void cancel(const admitted& call, instant now, std::vector<breaker_transition>& transitions);

  /// Does what is due: ends the open wait, expires probes, checks the window again.
  void tick(instant now, std::vector<breaker_transition>& transitions);

  /// The time at which `tick` wants to be called, if at all.
  std::optional<instant> next_due() const;

  /// Forces the breaker, or lets it decide for itself again (`automatic`). After `open` it then
  /// probes first; after another mode it is closed with nothing counted. Store `forced()`
  /// afterwards.
  void force(
      breaker_mode mode,
      std::string who,
      std::string why,
      instant now,
      std::vector<breaker_transition>& transitions);

  breaker_state state() const { return state_; }

  std::uint64_t epoch() const { return epoch_; }

  const forced_state& forced() const { return forced_; }

  /// Probes whose answer is awaited.
  int probes_in_flight() const;

private:
  struct lease {
    std::uint64_t probe = 0;
    instant deadline;
  };

  admission admit_slowly(instant now, std::vector<breaker_transition>& transitions);
  void record_closed(
      call_result result,
      std::chrono::nanoseconds took,
      instant now,
      std::vector<breaker_transition>& transitions);
  void record_probe(
      call_result result,
      const admitted& call,
      std::chrono::nanoseconds took,
      instant now,
      std::vector<breaker_transition>& transitions);
  bool is_slow(std::chrono::nanoseconds took) const;
  /// Opens if a probe's deadline has come.
  void expire(instant now, std::vector<breaker_transition>& transitions);
  /// Opens if a rate of the window is too high.
  void weigh(instant now, std::vector<breaker_transition>& transitions);
  void open(std::string reason, instant now, std::vector<breaker_transition>& transitions);
  void enter(
      breaker_state next,
      std::string reason,
      std::string who,
      instant now,
      std::vector<breaker_transition>& transitions);

  breaker_state state_ = breaker_state::closed;
  std::uint64_t epoch_ = 1;
  // Closed, simple form.
  int failures_in_row_ = 0;
  breaker_options options_;
  // Closed, window form.
  std::optional<outcome_window> window_;
  // Open.
  instant open_until_{};
  // How often it opened without a quiet time in between, minus one.
  int rounds_ = 0;
  // The time of closing, once it has opened and closed again.
  std::optional<instant> closed_since_{};
  // Half open: probes in flight (at most `probes`), and how many have succeeded.
  std::vector<lease> leases_;
  int succeeded_ = 0;
  std::uint64_t last_probe_ = 0;
  jitter jitter_;
  forced_state forced_;
};

} // namespace troupe::supervision
