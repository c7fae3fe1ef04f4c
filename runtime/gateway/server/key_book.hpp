#pragma once

#include "runtime/clock.hpp"
#include "runtime/gateway/server/http_loop.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/settled_time.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/sqlite/turnstile.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace troupe::gateway {

/// The times at which Idempotency-Keys came first that do not carry their time, on disk: so that a
/// repeat stands for the same call, whichever gateway of this machine gets it, and whatever has
/// died meanwhile.
///
/// Owns a database session and a thread, which writes all keys that have come in one transaction.
class key_book {
public:
  using listener = std::function<void(outcome<wall_time>)>;

  /// Keys that wait for the disk, at most.
  static constexpr std::size_t waiting_max = 4'096;

  /// @param path of the database, made if it is missing.
  /// @param kept how long after its first time a key is known.
  /// @param loop where answers are told.
  /// @errors of `open_sqlite` and `migrate`.
  static outcome<std::unique_ptr<key_book>>
  open(const std::string& path, milliseconds kept, const clock& time, http_loop& loop);
  /// @param settled the time by which keys are deleted, as the database has it.
  key_book(
      std::unique_ptr<store::database> session,
      store::turnstile gate,
      settled_time settled,
      milliseconds kept,
      const clock& time,
      http_loop& loop);
  ~key_book();
  key_book(const key_book&) = delete;
  key_book& operator=(const key_book&) = delete;

  /// Tells when the key of this hash came first, which is now if it is new, once that is on disk.
  /// @errors told: `overloaded`: too many wait; `unavailable`, `internal`: it could not be written.
  /// Nobody may act on the key then. Any thread.
  void first_use(const uuid& hash, listener told);

  /// Answers those that wait; any later one is never answered. From outside the loop.
  void close();

private:
  struct question {
    uuid hash;
    listener told;
  };

  void run();
  outcome<std::vector<wall_time>> write(const std::vector<question>& asked);
  void forget_old(wall_time wall);

  const milliseconds kept_;
  const clock& time_;
  http_loop& loop_;
  std::unique_ptr<store::database> session_;
  store::turnstile gate_;
  settled_time settled_;
  instant forgot_at_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<question> waiting_;
  bool is_ending_ = false;
  /// Last, as it uses all else.
  std::thread thread_;
};

} // namespace troupe::gateway
