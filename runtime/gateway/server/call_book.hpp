#pragma once

#include "runtime/clock.hpp"
#include "runtime/gateway/server/http_loop.hpp"
#include "runtime/http/responder.hpp"
#include "runtime/ids.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::gateway {

/// The calls of a gateway that change something, by their ids: who waits for the answer, and the
/// answers of those whose callers got 202 and may ask again.
///
/// In memory only: after a gateway has died, a repeat under the same Idempotency-Key gets the
/// answer from the capability. Confined to the HTTP loop.
class call_book {
public:
  /// The limits of the answers kept for callers that got 202: time, number and bytes. The oldest
  /// are forgotten first.
  static constexpr milliseconds kept_for{600'000};
  static constexpr std::size_t kept_max = 10'000;
  static constexpr std::size_t kept_bytes_max = 64 * 1'024 * 1'024;
  /// The longest time from one check of waiting callers to the next: an alarm cannot be cancelled,
  /// and clients choose how long they wait.
  static constexpr milliseconds look_interval{1'000};

  call_book(const clock& time, http_loop& loop) : time_{time}, loop_{loop} {}

  /// Notes a call that is being made, perhaps again after it failed.
  /// @param content the digest of what it asks for.
  /// @param service the one that asks, where a token is required; else empty.
  void open(const uuid& id, std::uint64_t content, const std::string& service = {});

  bool knows(const uuid& id) const { return calls_.count(id) > 0; }

  /// The service that made a known call; empty: anybody may ask for its answer.
  const std::string& service_of(const uuid& id) const { return calls_.at(id).service; }

  /// Whether the call asks for the content with this digest. The call must be known.
  bool asks_for(const uuid& id, std::uint64_t content) const {
    return calls_.at(id).content == content;
  }

  /// Whether a known call has ended in a failure that the caller did not cause, so that a repeat is
  /// worth another try. The capability knows whether the call was carried out all the same.
  bool has_failed(const uuid& id) const {
    const auto& answer = calls_.at(id).answer;
    return answer && answer->status >= 500;
  }

  /// Gives `answers` the answer of a known call, at once if it is there.
  /// @param hold after this time it gets 202 and the place to ask again; absent: never.
  void wait(const uuid& id, http::responder answers, std::optional<milliseconds> hold);

  /// The call has ended.
  void end(const uuid& id, http::response answer);

private:
  struct waiter {
    std::uint64_t number;
    http::responder answers;
    /// When it gets 202; the end of time: never.
    instant until = instant::max();
  };

  struct call {
    std::uint64_t content = 0;
    std::string service{};
    /// In the order of their numbers.
    std::vector<waiter> waiting{};
    /// A caller got 202.
    bool is_kept = false;
    std::optional<http::response> answer{};
  };

  struct kept_answer {
    uuid id;
    instant at;
    std::size_t bytes;
  };

  void give_up_waiting(const uuid& id, std::uint64_t number);
  /// Answers those whose time is over with 202.
  void end_holds();
  void set_alarm();
  void forget_old();

  const clock& time_;
  http_loop& loop_;
  std::map<uuid, call> calls_;
  std::deque<kept_answer> kept_;
  std::size_t kept_bytes_ = 0;
  std::uint64_t last_waiter_ = 0;
  /// Who waits until when. Ended calls leave nothing here, however long somebody wanted to wait.
  std::map<std::pair<instant, std::uint64_t>, uuid> holds_;
  /// When the loop checks `holds_` next. An alarm for another time is void.
  instant alarm_at_ = instant::max();
};

/// "/calls/018f3c1e-...": where the answer of a call is, or will be.
std::string path_of_call(const uuid& id);

} // namespace troupe::gateway
