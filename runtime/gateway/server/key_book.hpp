#pragma once

#include "runtime/clock.hpp"
#include "runtime/gateway/server/http_loop.hpp"
#include "runtime/gateway/server/key_shares.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/settled_time.hpp"
#include "runtime/shares.hpp"
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

/// Stores on disk when Idempotency-Keys without a time of their own came first, so that a repeat
/// means the same call, whichever gateway of this machine gets it and whatever has died meanwhile.
///
/// Owns a database session and a thread, which writes all keys that have come in one transaction.
class key_book {
public:
  using listener = std::function<void(outcome<wall_time>)>;

  /// The most keys that wait for the disk; one client may have as many as are left for others.
  static constexpr std::size_t waiting_max = 4'096;
  /// The largest size of the file: about 85 million keys, 140 a second for a week. One client may
  /// have as many keys as are left for others (`key_shares`).
  static constexpr std::int64_t bytes_max = std::int64_t{8} << 30;

  /// @param path of the database, made if it is missing.
  /// @param kept how long after its first time a key is known.
  /// @param loop where answers are given. @param most bytes, up to `bytes_max`.
  /// @errors of `open_sqlite` and `migrate`.
  static outcome<std::unique_ptr<key_book>> open(
      const std::string& path,
      milliseconds kept,
      const clock& time,
      http_loop& loop,
      std::int64_t most = bytes_max);
  /// @param settled the time for deleting keys, from the database.
  key_book(
      std::unique_ptr<store::database> session,
      store::turnstile gate,
      settled_time settled,
      milliseconds kept,
      const clock& time,
      http_loop& loop,
      std::int64_t most);
  ~key_book();
  key_book(const key_book&) = delete;
  key_book& operator=(const key_book&) = delete;

  /// Gives the time at which the key with this hash came first (now, if it is new), once that is on
  /// disk.
  /// @param client the address of the key's client.
  /// @errors given to the callback: `overloaded`: too many wait or are kept, of all clients or this
  /// one; `unavailable`, `internal`: the key could not be written. No call may be made for the key
  /// then. Any thread.
  void first_use(const uuid& hash, const std::string& client, listener told);

  /// Answers those that wait; any later one is never answered. From outside the loop.
  void close();

private:
  struct question {
    uuid hash;
    std::string client;
    listener told;
  };

  using answers = std::vector<outcome<wall_time>>;

  void run();
  /// Copies the WAL back, so that the file is whole by itself once its gateways have ended.
  void leave() noexcept;
  answers write(const std::vector<question>& asked);
  outcome<wall_time> write(const question& one, wall_time now, bool has_room);
  bool is_full();
  void forget_old(wall_time wall);

  const milliseconds kept_;
  const clock& time_;
  http_loop& loop_;
  std::unique_ptr<store::database> session_;
  store::turnstile gate_;
  settled_time settled_;
  const std::int64_t most_;
  key_shares shares_;
  instant forgot_at_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<question> waiting_;
  shares waiting_shares_{waiting_max};
  const secret_hash number_of_{};
  bool is_ending_ = false;
  /// Last member: it uses all others.
  std::thread thread_;
};

} // namespace troupe::gateway
