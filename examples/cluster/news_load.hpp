#pragma once

#include "runtime/client/client.hpp"
#include "runtime/clock.hpp"

#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <vector>

namespace troupe::cluster {

struct news_options {
  std::string topic = "news.said";
  /// Events not confirmed yet.
  std::size_t outstanding = 32;
  /// New events a second.
  double rate = 50;
  /// The deadline of one call.
  milliseconds deadline{5'000};
  /// How long unconfirmed events are retried after the last new one.
  milliseconds patience{60'000};
};

/// The result of a load.
struct news_result {
  std::uint64_t begun = 0;
  std::uint64_t confirmed = 0;
  /// Confirmations that said "published before": an earlier attempt had succeeded.
  std::uint64_t repeats = 0;
  /// Calls that ended without confirmation, by error code.
  std::map<std::string, std::uint64_t> failed_calls;
  std::chrono::microseconds longest_gap{0};

  std::uint64_t unconfirmed() const { return begun - confirmed; }
};

/// Publishes events at a given rate, and each again under its id until it is confirmed. Logs each
/// confirmation as a line {"id", "position", "t_mono_us"}. Confined to one thread.
class news_load {
public:
  /// @param log borrowed; one line per confirmation.
  news_load(client::client& with, const clock& time, const news_options& options, std::FILE& log);

  /// Runs until `goes_on`, called now and then, returns false, and every event is confirmed or
  /// given up.
  news_result run(const std::function<bool(const news_result&)>& goes_on);

private:
  struct event {
    uuid id;
    std::uint64_t number = 0;
  };

  struct due {
    instant at;
    std::size_t slot = 0;

    bool operator>(const due& other) const { return at > other.at; }
  };

  void begin_new(instant now);
  void publish_due(instant now);
  void publish(std::size_t slot, instant now);
  milliseconds patience(instant now) const;
  void take(const client::completion& ended, instant now);
  void take_error(std::size_t slot, const error& why, instant now);
  void confirmed(std::size_t slot, std::uint64_t position, instant now);

  client::client& client_;
  const clock& time_;
  const news_options options_;
  std::FILE& log_;
  uuid_source ids_;
  std::vector<event> slots_;
  std::vector<std::size_t> free_;
  std::priority_queue<due, std::vector<due>, std::greater<>> due_;
  bool is_ending_ = false;
  instant next_{};
  instant confirmed_at_{};
  news_result result_;
};

} // namespace troupe::cluster
