#pragma once

#include <zmq.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <tsl/robin_map.h>

namespace troupe::transport {

/// Counts the bytes that each peer has not read yet: they wait in libzmq's queues, which are
/// limited only in messages. Bytes count from the send until libzmq has written them to the peer's
/// connection; small messages are counted together, with the one that makes them `counted_bytes`.
///
/// Belongs to the loop's thread; counts go down on libzmq's.
class unread {
public:
  /// The bytes that a message needs in addition to its frames.
  static constexpr std::size_t message_bytes = 384;
  /// The most bytes of one peer that may be uncounted: a counted frame costs an allocation and six
  /// atomic operations more than an uncounted one.
  static constexpr std::size_t counted_bytes = 4096;

  class account {
  public:
    std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  private:
    friend class unread;

    std::atomic<std::size_t> bytes_{0};
    /// The bytes of the messages since the last counted frame; the loop's own.
    std::size_t uncounted_ = 0;
    std::shared_ptr<std::atomic<std::size_t>> of_all_;
  };

  /// @param all_max the bytes of all peers together; one may have as many as are left, but no more
  /// than @param peer_max. The first message of a peer may be larger than that, and a small one has
  /// room whatever the others have.
  unread(std::size_t all_max, std::size_t peer_max) : all_max_{all_max}, peer_max_{peer_max} {}

  /// The account of a peer, made if there is none.
  const std::shared_ptr<account>& of(std::uint64_t peer);

  /// An account that takes nothing from the common limit.
  std::shared_ptr<account> unshared() const { return make(unshared_); }

  bool has_room(const account& whose, std::size_t bytes, std::size_t beyond = 0) const {
    const std::size_t mine = whose.bytes();
    const std::size_t all = all_->load(std::memory_order_relaxed);
    const std::size_t left = all < all_max_ ? all_max_ - all : 0;
    if (mine == 0) {
      return left != 0 || bytes <= small_bytes;
    }
    return mine + bytes <= (left < peer_max_ ? left : peer_max_) + beyond;
  }

  std::size_t all() const { return all_->load(std::memory_order_relaxed); }

  /// A frame with these bytes, which are counted for `whose` until libzmq releases the frame, or
  /// together with a later frame.
  /// @param others the bytes of the other frames of the message.
  static zmq::message_t
  frame(const std::shared_ptr<account>& whose, std::string_view bytes, std::size_t others);

private:
  static constexpr std::size_t small_bytes = 16U * 1024U;

  using counter = std::shared_ptr<std::atomic<std::size_t>>;

  static std::shared_ptr<account> make(const counter& of_all);

  std::size_t all_max_;
  std::size_t peer_max_;
  counter all_ = std::make_shared<std::atomic<std::size_t>>(0);
  counter unshared_ = std::make_shared<std::atomic<std::size_t>>(0);
  tsl::robin_map<std::uint64_t, std::shared_ptr<account>> of_;
  std::size_t sweep_at_ = 64;
};

} // namespace troupe::transport
