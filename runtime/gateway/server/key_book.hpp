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

/// The times at which Idempotency-Keys came first that do not carry their time, on disk: so that a
/// repeat stands for the same call, whichever gateway of this machine gets it, and whatever has
/// died meanwhile.
///
/// Owns a database session and a thread, which writes all keys that have come in one transaction.
class key_book {
public:
  using listener = std::function<void(outcome<wall_time>)>;

  /// Keys that wait for the disk, at most; of one client as many as are left for others.
  static constexpr std::size_t waiting_max = 4'096;
  /// The file's size with the keys that it holds now, at most: about 85 million, those of 140 a
  /// second for a week. Of one client as many as are left for others (`key_shares`).
  static constexpr std::int64_t bytes_max = std::int64_t{8} << 30;

  /// @param path of the database, made if it is missing.
  /// @param kept how long after its first time a key is known.
  /// @param loop where answers are told. @param most bytes, of `bytes_max`.
  /// @errors of `open_sqlite` and `migrate`.
  static outcome<std::unique_ptr<key_book>> open(
      const std::string& path,
      milliseconds kept,
      const clock& time,
      http_loop& loop,
      std::int64_t most = bytes_max);
  /// @param settled the time by which keys are deleted, as the database has it.
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

  /// Tells when the key of this hash came first, which is now if it is new, once that is on disk.
  /// @param client whose key it is: an address.
  /// @errors told: `overloaded`: too many wait or are kept, of all or of this client;
  /// `unavailable`, `internal`: it could not be written. Nobody may act on the key then. Any
  /// thread.
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
  /// Last, as it uses all else.
  std::thread thread_;
};

} // namespace troupe::gateway
