#pragma once

#include "tests/saga/checker.hpp"
#include "tests/saga/driver.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace troupe::saga::test {

/// SplitMix64: the same numbers on every machine.
class dice {
public:
  explicit dice(std::uint64_t seed) : state_{seed} {}

  std::uint64_t roll() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  int below(int limit) { return static_cast<int>(roll() % static_cast<std::uint64_t>(limit)); }

  bool percent(int chance) { return below(100) < chance; }

private:
  std::uint64_t state_;
};

/// What goes wrong in a run, and how often (percent).
struct faults {
  int lost = 0;
  int refused_on_the_way = 0;
  int crashed = 0;
  int slow = 0;
  int repeated = 0;
  int reply_lost = 0;
  int coordinator_dies = 0;
  int step_refused = 0;
  int undo_refused = 0;
  bool person = true;
  /// Orders of a person, at some time before all is repaired.
  int orders = 0;
  /// It waits for its turn first.
  bool queued = false;
  /// The saga of which it is a step has it undone, at this time.
  std::optional<milliseconds> recalled_at{};
  /// Timers are kept as a worker keeps them: a later one of the step replaces the one before, and
  /// none is left once the saga is over or parked. Else all of them come.
  bool keeps_one_timer = false;
  /// This step is refused, whatever the dice say.
  std::optional<std::uint32_t> refuse_step{};
  /// The coordinator dies at this decision (from 0), before its journal is written or after, with
  /// this many of its actions carried out.
  std::optional<int> die_at{};
  bool die_before_journal = false;
  std::size_t acts_before_death = 0;
};

/// How the participants are broken, to see that the checker notices.
enum class flaw : std::uint8_t { none, no_inbox, no_tombstones };

/// One saga, its participants and the network between them, in virtual time from one seed.
///
/// Faults stop after `heals_at`; what was delayed until then still arrives.
class world {
public:
  world(definition from, const faults& wrong, std::uint64_t seed, flaw broken = flaw::none);

  /// Runs until nothing is left to happen, or too much has.
  void run();

  history past() const;

  const driver& saga() const { return saga_; }

  int decisions() const { return decisions_; }

  /// What the caller was told last: "ok d", or the name of the error's code.
  const std::string& answer() const { return answer_; }

  /// A replay that differed from the state it should equal.
  bool replay_differed() const { return replay_differed_; }

private:
  static constexpr milliseconds heals_at{20'000};

  /// A request on its way to a participant.
  struct request {
    call what;
    /// The reply gets lost.
    bool mute = false;
  };

  struct takeover {};

  /// Somebody looks whether the saga is to be undone.
  struct recall {};

  /// Somebody answers a step that waits.
  struct word {
    std::uint32_t step = 0;
  };

  using matter = std::variant<event, request, takeover, word, recall>;

  struct happening {
    milliseconds at{};
    std::uint64_t order = 0;
    matter what;
    /// Of the owner that waits for it; timers die with their owner.
    std::uint64_t epoch = 0;
    /// Of a timer: the step, or how many there are for that of the deadline.
    std::optional<std::uint32_t> slot{};

    bool operator<(const happening& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void later(milliseconds delay, matter what, std::optional<std::uint32_t> slot = {});
  bool is_void(const happening& next) const;
  void take_over();
  void look_for_recall();

  bool chance(int percent) { return now_ < heals_at && dice_.percent(percent); }

  void happen(event what, bool of_this_owner);
  void die();
  void carry_out(const action& what);
  void send(const call& what);
  void arrive(const request& what);
  void say(const word& what);
  outcome<std::string> handle(const call& what);

  wall_time wall() const { return begun_ + now_; }

  driver saga_;
  wall_time begun_ = saga_.now;
  faults wrong_;
  dice dice_;
  flaw broken_;
  milliseconds now_{0};
  std::priority_queue<happening> queue_;
  std::uint64_t order_ = 0;
  std::map<std::uint32_t, std::uint64_t> timers_; // The last one of each slot.
  std::uint64_t epoch_ = 1;
  bool alive_ = true;
  int decisions_ = 0;
  int resumed_ = 0;
  bool replay_differed_ = false;
  std::string answer_;
  std::vector<std::uint64_t> epochs_; // Of each journal row.
  std::map<uuid, outcome<std::string>> inbox_;
  std::set<uuid> tombstones_;
  std::set<uuid> in_place_;
  std::vector<effect_row> effects_;
  // What was said to steps that wait, or is going to be.
  std::map<std::uint32_t, outcome<std::string>> said_;
  std::set<std::uint32_t> spoken_to_;
};

} // namespace troupe::saga::test
