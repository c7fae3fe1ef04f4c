#pragma once

#include "runtime/broker/calls/call.hpp"
#include "runtime/broker/calls/directory.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/shares.hpp"
#include "runtime/wire/envelope.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <tsl/robin_map.h>
#include <vector>

namespace troupe::broker {

/// All held calls, by slot and by id, and the list in which each is.
///
/// A call is in one list at most, the one that `call::is` names, and uses credit exactly while it
/// is outstanding: every move goes through here. The queues, the awaiting and the outstanding calls
/// are listed in `directory`, the suspects here.
class held_calls {
public:
  /// @param awaiting_bytes_max of the calls that a worker answers later.
  held_calls(directory& nodes, std::size_t awaiting_bytes_max)
      : nodes_{nodes}, awaiting_{awaiting_bytes_max} {}

  call& operator[](std::uint32_t index) {
    return chunks_[index / chunk_calls][index % chunk_calls];
  }

  const call& operator[](std::uint32_t index) const {
    return chunks_[index / chunk_calls][index % chunk_calls];
  }

  /// The slot of `id`, or `nowhere`.
  std::uint32_t find(const uuid& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nowhere : found->second;
  }

  std::size_t size() const { return by_id_.size(); }

  /// Their approximate size in bytes.
  std::size_t bytes() const { return bytes_; }

  /// Takes a slot for a new id, with a copy of header and body. `ttl` is always patchable
  /// afterwards. Whoever adds a call sets its capability, key, arrival and trace.
  std::uint32_t
  add(const wire::header_view& header, std::string_view header_bytes, std::string_view body);

  /// Takes the call out of its list and frees its slot.
  void remove(std::uint32_t index);

  /// Puts a call at the end of its capability's queue. For this function and the five below the
  /// call must be in no list.
  void queue(std::uint32_t index);
  /// Puts a call with a key into the line of a placement, by its arrival.
  void line_up(std::uint32_t index, std::uint32_t placement);
  /// Puts a call at the end of the suspects.
  void suspect(std::uint32_t index);
  /// Puts a call at the front of the suspects if it is one, else at the front of its capability's
  /// queue.
  void put_back(std::uint32_t index);
  /// Marks a call as outstanding at a worker: it uses credit of `placement` from now on.
  void occupy(std::uint32_t index, std::uint32_t placement);
  /// Puts a call into its capability's list of calls that a worker will answer later.
  void await(std::uint32_t index);

  /// Whether there is room for one more call that is answered later: these use no credit and stay
  /// until their deadline, so that each peer has a share (`shares`). The call must have a waiting
  /// caller.
  bool may_await(std::uint32_t index) const;

  std::size_t awaiting_bytes() const { return awaiting_.all(); }

  std::size_t awaiting_bytes(origin of) const {
    return awaiting_.of(static_cast<std::uint64_t>(of));
  }

  /// Takes the call out of the list it is in, and gives its credit back.
  void take_out(std::uint32_t index);

  const call_list& suspects() const { return suspects_; }

  /// The place of the outstanding calls of this call's key.
  key_hold hold_of_key(const call& of) const;

private:
  static constexpr std::uint32_t chunk_calls = 1024;

  void push_back(call_list& list, std::uint32_t index);
  void push_front(call_list& list, std::uint32_t index);
  void unlink(call_list& list, std::uint32_t index);
  void take_out_of_hand(call& taken, std::uint32_t index);
  void give_back(call& freed);
  static std::uint64_t key_of(const call& of);

  directory& nodes_;
  // Chunks, so that slots never move and growing copies nothing.
  std::vector<std::unique_ptr<call[]>> chunks_;
  std::vector<std::uint32_t> free_;
  tsl::robin_map<uuid, std::uint32_t, secret_hash> by_id_;
  call_list suspects_;
  tsl::robin_map<std::uint64_t, key_hold, secret_hash> keys_in_hand_;
  std::uint32_t arrivals_ = 0;
  std::size_t bytes_ = 0;
  /// The bytes in free slots that keep a large buffer.
  std::size_t kept_bytes_ = 0;
  shares awaiting_;
};

} // namespace troupe::broker
