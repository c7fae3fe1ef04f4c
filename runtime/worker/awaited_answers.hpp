#pragma once

#include "runtime/saga/coordinators.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/store/database.hpp"

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

// The set's own code is not written for -Wconversion; it is a system header.
#include <tsl/robin_set.h>

namespace troupe {

/// Calls that this process has answered "pending" while other processes work on them: the process
/// that stores the answer may not reach the waiting broker. Each answer is looked up until it
/// exists, and then sent to all brokers.
///
/// One whose effect or saga runs here is forgotten when that ends and answers it. Confined to the
/// runner's thread.
class awaited_answers {
public:
  /// The most calls looked up. With more, the oldest one is dropped: its broker asks again when a
  /// worker logs in or is lost.
  static constexpr std::size_t calls_max = 65'536;

  void add(const uuid& call);

  void add(std::span<const uuid> calls);

  /// The call is answered.
  void forget(const uuid& call) { known_.erase(call); }

  /// Looks up some of them, in rotation, and adds existing answers to `found`.
  void look(store::database& session, std::vector<saga::outgoing::answer>& found);

  /// Notes that the answers found in this turn are being sent.
  void committed();

  void rolled_back() { found_.clear(); }

  std::size_t size() const { return known_.size(); }

private:
  // The calls in the order of lookup; one that is no longer in `known_` is dropped when reached.
  std::deque<uuid> line_;
  tsl::robin_set<uuid, secret_hash> known_;
  std::vector<uuid> found_; // The answers found in this turn.
};

} // namespace troupe
