#pragma once

#include "runtime/backoff.hpp"
#include "runtime/outcome.hpp"
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

/// What a person wants of a breaker. @source BEHAVIOURS B10.
enum class breaker_mode : std::uint8_t {
  /// It decides for itself.
  automatic,
  /// Refuses every call.
  open,
  /// Lets every call through and counts outcomes, but never opens.
  closed,
  /// Lets every call through and counts nothing.
  disabled,
};

/// "auto", "open", "closed" or "disabled": as people write it and as it is stored.
std::string_view name_of(breaker_mode mode);

/// The mode of that name, if it is one.
std::optional<breaker_mode> mode_named(std::string_view name);

/// What a person set, to be stored by the owner so that it survives a restart.
struct forced_state {
  breaker_mode mode = breaker_mode::automatic;
  std::string who{};
  std::string why{};
};

/// What became of a call.
enum class call_result : std::uint8_t {
  /// An answer came; a business refusal is one too.
  ok,
  failed,
  timed_out,
};

/// How a call that ended in `code` counts; nothing: it says nothing of the capability's health (it
/// was refused before any work) and must be given to `cancel`. @source BEHAVIOURS B7, B8.
std::optional<call_result> result_of(errc code);

/// A call may be made. To be handed back with its result, once.
struct admitted {
  std::uint64_t epoch = 0;
  /// Not 0: it is a probe, leased until `probe_deadline` from now.
  std::uint64_t probe = 0;
};

/// The call must not be made; the answer is `circuit_open`, which counts nowhere. @source B7.
struct refused {
  /// At least 1 ms. No promise: when the breaker will decide or let probes through.
  milliseconds retry_after{};
};

using admission = std::variant<admitted, refused>;

/// A record for the log. @source BEHAVIOURS B12.
struct breaker_transition {
  breaker_state from = breaker_state::closed;
  breaker_state to = breaker_state::closed;
  /// The epoch that begins.
  std::uint64_t epoch = 0;
  instant at;
  std::string reason{};
  /// Who asked for it; empty if the breaker did it by itself.
  std::string who{};
};

/// A circuit breaker as a pure state machine: no clock, no thread, no log of its own.
///
/// Belongs to one owner and one thread (B11). `admit` and `record` are made for the path of every
/// call: while it is closed they are O(1) and allocate nothing. Whatever changes state appends to
/// `transitions`. `now` never goes back from call to call.
/// @source BEHAVIOURS 5.5, B1 to B12; README.md says what is taken.
class breaker {
public:
  /// @param seed of the jitter of its waits.
  /// @param stored what a person had set before the process was restarted.
  /// @errors `invalid`: everything that is wrong with the options.
  static outcome<breaker>
  make(const breaker_options& options, std::uint64_t seed, instant now, forced_state stored = {});

  /// Whether a call may be made now.
  admission admit(instant now, std::vector<breaker_transition>& transitions);

  /// What became of an admitted call. Results of a past epoch change nothing, nor does a probe's
  /// second result, nor one that comes at its deadline or later: by then it has failed.
  ///
  /// @param took how long the call took; only counts where the options have a window.
  void record(
      call_result result,
      const admitted& call,
      std::chrono::nanoseconds took,
      instant now,
      std::vector<breaker_transition>& transitions);

  /// An admitted call came to nothing, and nothing is known by it: the caller gave up, or it was
  /// refused before any work. A probe's permit can be had again. @source BEHAVIOURS B8, R35.
  void cancel(const admitted& call, instant now, std::vector<breaker_transition>& transitions);

  /// Does what is due: ends the open wait, expires probes, looks at the window again.
  void tick(instant now, std::vector<breaker_transition>& transitions);

  /// When `tick` wants to be called, if at all.
  std::optional<instant> next_due() const;

  /// Takes over, or (`automatic`) gives back. A breaker given back from `open` probes first; from
  /// the others it is closed with nothing counted. `forced()` is to be stored afterwards.
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

  /// Results ignored since they came from a past epoch or from no probe there is.
  std::uint64_t stale_results() const { return stale_; }

  std::uint64_t refused_calls() const { return refused_; }

private:
  struct lease {
    std::uint64_t probe = 0;
    instant deadline;
  };

  breaker(const breaker_options& options, std::uint64_t seed, instant now, forced_state stored);

  admission admit_slowly(instant now, std::vector<breaker_transition>& transitions);
  refused refuse(instant until, instant now);
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
  // Times it opened without a quiet time in between, less one.
  int rounds_ = 0;
  // Set once it has opened and closed again.
  std::optional<instant> closed_since_{};
  // Half open: probes in flight (at most `probes`), and how many have succeeded.
  std::vector<lease> leases_;
  int succeeded_ = 0;
  std::uint64_t last_probe_ = 0;
  jitter jitter_;
  forced_state forced_;
  std::uint64_t stale_ = 0;
  std::uint64_t refused_ = 0;
};

/// Everything wrong with `options`, in one `invalid` error.
outcome<void> check(const breaker_options& options);

} // namespace troupe::supervision
