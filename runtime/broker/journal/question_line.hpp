#pragma once

#include "runtime/broker/decided.hpp"
#include "runtime/broker/journal/questions.hpp"
#include "runtime/clock.hpp"
#include "runtime/shares.hpp"

#include <cstdint>
#include <deque>
#include <map>

namespace troupe::broker {

/// The asker of a request: a peer, by the broker's number for it, or the broker itself.
enum class asker : std::uint64_t { broker_itself = 0 };

inline asker asker_of(origin whom) {
  return static_cast<asker>(static_cast<std::uint64_t>(whom) + 1);
}

/// The requests that wait for the journal's one reader, scheduled fairly by the time of their
/// answers.
///
/// The broker's own requests (subscribers that catch up, due events) get half of the reader's time
/// while others wait; peers share the other half equally, however many requests they have. Pure; a
/// new peer starts with the least time that any peer has had.
class question_line {
public:
  struct waiting {
    asker from{};
    journal_question question;
    std::uint64_t token = 0;
  };

  /// @param questions_max of the broker itself, and of all peers together (`shares`).
  explicit question_line(std::size_t questions_max)
      : questions_max_{questions_max}, shares_{questions_max} {}

  /// False, with nothing done, if there are too many requests.
  bool add(waiting&& what);

  /// The next request, of which there must be one; `answered` must follow.
  waiting take();

  /// The request taken last is answered.
  void answered(asker whom, instant::duration took);

  bool is_empty() const { return own_.empty() && of_peers_.empty(); }

  /// Requests that wait or are being answered.
  std::size_t size() const { return taken_ + own_.size() + peers_waiting_; }

private:
  struct peer_line {
    std::deque<waiting> questions;
    instant::duration spent{};
  };

  static constexpr auto own = asker::broker_itself;

  std::size_t questions_max_;
  std::deque<waiting> own_;
  std::map<asker, peer_line> of_peers_; // Those that have questions waiting.
  shares shares_;
  std::size_t peers_waiting_ = 0;
  std::size_t taken_ = 0;
  instant::duration spent_on_own_{};
  instant::duration spent_on_peers_{};
  /// The time that the peer served last had had: no waiting peer has had less.
  instant::duration least_spent_{};
};

} // namespace troupe::broker
