#pragma once

#include "examples/shop/order_log.hpp"
#include "runtime/client/client.hpp"
#include "runtime/clock.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <vector>

namespace troupe::shop {

struct load_options {
  std::uint64_t orders = 1'000;
  /// Orders in progress at once.
  std::size_t outstanding = 64;
  /// New orders per second; 0: as fast as answers arrive.
  double rate = 0;
  /// The deadline of one call.
  milliseconds deadline{5'000};
  /// How long one order is retried under its id.
  milliseconds patience{30'000};
  milliseconds progress_interval{100};
};

/// The result of a load.
struct load_result {
  std::uint64_t placed = 0;
  std::map<std::string, std::uint64_t> rejected;
  /// The orders given up, whose outcome is unknown.
  std::uint64_t unanswered = 0;
  std::uint64_t calls = 0;
  /// Calls that ended in an error that does not settle the order, by code.
  std::map<std::string, std::uint64_t> failed_calls;
  instant began{};
  instant ended{};
  /// The times from the first call for an order to its answer.
  std::vector<std::chrono::microseconds> latencies;
  /// The longest time between two consecutive answers.
  std::chrono::microseconds longest_gap{0};
  instant longest_gap_from{};

  std::uint64_t answered() const { return latencies.size(); }
};

/// A line of the file of orders: the request, as MessagePack.
struct wish {
  std::uint64_t line = 0;
  std::string body;
};

/// Places orders: the same requests over and over, each under a new id, with a given number in
/// progress.
///
/// Whatever fails, an order is requested again under the same id, by which the shop recognizes it
/// and places it only once. Confined to one thread.
class order_load {
public:
  order_load(
      client::client& with,
      const clock& time,
      const std::vector<wish>& wishes,
      const load_options& options,
      order_log& log);

  /// Runs until every order is answered or given up.
  /// @param progress is called now and then, and returns whether to start more orders.
  /// @errors `unavailable`: the log cannot be written.
  outcome<load_result> run(const std::function<bool(const load_result&)>& progress);

private:
  struct order {
    uuid id;
    std::size_t wish = 0;
    instant first_asked{};
    int calls = 0;
  };

  struct due {
    instant at;
    std::size_t slot = 0;

    bool operator>(const due& other) const { return at > other.at; }
  };

  bool is_finished() const { return finished_ == orders_; }

  void gather(instant now);
  void take_up_new(instant now);
  outcome<void> send(instant now);
  milliseconds patience(instant now) const;
  void take(const client::completion& ended, instant now);
  void take_error(std::size_t slot, const error& why, instant now);
  void answered(std::size_t slot, instant now);
  void free(std::size_t slot);
  instant time_of_next_new() const;

  client::client& client_;
  const clock& time_;
  const std::vector<wish>& wishes_;
  const load_options options_;
  order_log& log_;
  uuid_source ids_;
  std::vector<order> slots_;
  std::vector<std::size_t> free_;
  std::vector<std::size_t> to_send_;
  std::priority_queue<due, std::vector<due>, std::greater<>> again_;
  std::vector<client::call_request> requests_;
  std::uint64_t orders_; // Orders to place in all.
  std::uint64_t begun_ = 0;
  std::uint64_t finished_ = 0;
  instant last_answer_{};
  load_result result_;
};

} // namespace troupe::shop
