#pragma once

#include "runtime/broker/events/event_service.hpp"
#include "runtime/broker/journal/journal_options.hpp"
#include "runtime/broker/journal/server_watch.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace troupe::broker {

/// A journal that was opened, and what its event service begins with.
struct opened_journal {
  event_service_options events;
  journal_state state;
};

/// What a broker that shares the journal has to do, and to tell.
struct journal_news {
  /// Who has the journal.
  lease_seen seen{};
  /// This broker has it from now on.
  std::optional<opened_journal> opened{};
  /// Why this broker has it no longer, if it had it; it is to be given back. Else empty.
  std::string given_up{};
  /// Why nobody can say who has it; empty if somebody can.
  std::string trouble{};
};

/// The thread of a broker that shares the journal with others: looks every 200 ms who has it, takes
/// it over when it is free (`decide`), and keeps the lease while nothing is written. It waits for
/// the database, so that the socket loop never does: opening and closing the journal are its work,
/// too.
///
/// `step` and the constructor belong to the thread, or to a test that has none; the rest to the
/// loop, which it outlives.
class journal_keeper {
public:
  struct options {
    shared_journal place;
    /// Takes over the lease that was seen, and opens the journal.
    std::function<outcome<opened_journal>(const lease_seen& seen)> open;
    /// Called when there is news.
    std::function<void()> wake;
    milliseconds look_every{200};
  };

  journal_keeper(options with, const clock& time);
  journal_keeper(const journal_keeper&) = delete;
  journal_keeper& operator=(const journal_keeper&) = delete;
  /// Ends the thread; waits for the database if it does.
  ~journal_keeper();

  /// Reaches the database for the first time, and makes its tables. Before `start`.
  /// @errors of `shared_journal::connect` and `migrate`; `unavailable`: it may come yet.
  outcome<void> prepare();

  void start();

  /// Looks, and does what follows.
  void step();

  bool has_news() const { return has_news_.load(std::memory_order_acquire); }

  journal_news take_news();

  /// The loop turns.
  void beat(instant now) { beat_.store(now.time_since_epoch().count()); }

  /// The condition of the journal's server.
  const server_watch& server() const { return server_; }

  /// The journal is not used any more, and is closed here.
  void give_back(std::unique_ptr<journal> kept);

  /// This broker does not want the journal any more.
  void retire() { is_retired_.store(true); }

private:
  void run();
  void close_returned();
  std::optional<lease_seen> look();
  void take(const lease_seen& seen);
  void withdraw(std::string why);
  void tell(const lease_seen& seen);
  void set_trouble(std::string trouble);
  void ring();
  lease_self self() const;

  const options options_;
  const clock& time_;
  // Of the thread:
  std::unique_ptr<store::database> session_;
  std::optional<lease_table> table_;
  std::optional<std::uint64_t> holds_; // Until it is given back.
  bool is_withdrawn_ = false;
  instant seen_at_;
  instant take_at_{}; // Not before.
  // Of both:
  std::atomic<bool> has_news_{false};
  std::atomic<bool> is_retired_{false};
  std::atomic<instant::rep> beat_;
  std::mutex mutex_;
  std::condition_variable rung_;
  server_watch server_;
  bool is_stopped_ = false;
  journal_news news_;
  std::unique_ptr<journal> returned_;
  std::thread thread_;
};

} // namespace troupe::broker
