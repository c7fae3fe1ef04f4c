#pragma once

#include "runtime/broker/decided.hpp"
#include "runtime/broker/journal/journal.hpp"
#include "runtime/clock.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::broker {

/// The event service's side of the journal's threads: each request has a function that gets the
/// answer. Confined to the thread of the service.
class journal_client {
public:
  using then = std::function<void(const outcome<journal_result>& result, instant now)>;

  /// @param time outlives this.
  journal_client(std::unique_ptr<journal> kept, const clock& time)
      : journal_{std::move(kept)}, time_{time} {}

  /// Asks the journal on behalf of the broker itself; `go_on` gets the answer or the error.
  void ask(journal_question question, instant now, then go_on) {
    ask_for(
        asker::broker_itself,
        std::move(question),
        now,
        [this, go_on = std::move(go_on)](const outcome<journal_result>& result, instant at) {
          note_read(result);
          go_on(result, at);
        });
  }

  /// Asks the journal on behalf of a peer.
  void ask_for(asker whom, journal_question question, instant now, then go_on);
  /// Writes a batch; none may be running.
  void write(journal_batch batch, then go_on);
  /// Deletes the events that are no longer needed.
  void sweep(retention rules, then go_on);

  observe::histogram commits() const { return journal_->commits(); }

  bool is_lost() const { return journal_->is_lost(); }

  /// Returns the journal. From now on every request gets `why`.
  std::unique_ptr<journal> release(error why);

  /// After `release`: answers all open requests with its reason. A running batch or sweep is not
  /// answered.
  void refuse_all(instant now);

  /// Lines for the log: one if the broker's requests fail, and one once they succeed again. Events
  /// of the window are still delivered, so that nothing else would show it.
  std::vector<log_event> take_log() { return std::exchange(reads_.lines, {}); }

  bool has_answers() const { return !answers_.empty() || journal_->has_answers(); }

  /// Calls the functions of available answers, for 2 ms at most: an answer may be a megabyte of
  /// events to encode. The others wait for the next turn of the loop.
  void take_answers(instant now);

private:
  void note_read(const outcome<journal_result>& result);
  std::uint64_t remember(then go_on);

  std::unique_ptr<journal> journal_;
  const clock& time_;
  std::vector<journal_answer> taken_;  // Reused.
  std::deque<journal_answer> answers_; // The answers that are not taken yet.
  std::uint64_t tokens_ = 0;
  std::unordered_map<std::uint64_t, then> asked_;
  std::uint64_t written_ = 0; // The tokens of the last batch and sweep.
  std::uint64_t swept_ = 0;
  error why_released_;

  struct {
    bool fail = false;
    std::vector<log_event> lines{};
  } reads_; // Questions of the broker.
};

} // namespace troupe::broker
