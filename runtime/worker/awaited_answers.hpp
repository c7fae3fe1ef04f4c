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

/// Calls that this process has answered "pending" while others work on them: the answer is stored
/// by a process that may not reach the broker that waits. Each is looked up until it is there, and
/// then sent to all brokers.
///
/// One whose effect or saga runs here is forgotten when that ends and answers it. Confined to the
/// runner's thread.
class awaited_answers {
public:
  /// The most calls looked for. With more, the one that was added first is looked for no longer:
  /// its broker asks again when a worker comes or goes.
  static constexpr std::size_t calls_max = 65'536;

  void add(const uuid& call);

  void add(std::span<const uuid> calls);

  /// The call is answered.
  void forget(const uuid& call) { known_.erase(call); }

  /// Looks up some of them, others each time, and adds the answers that are there to `found`.
  void look(store::database& session, std::vector<saga::outgoing::answer>& found);

  /// The answers found in this turn are on their way.
  void committed();

  void rolled_back() { found_.clear(); }

  std::size_t size() const { return known_.size(); }

private:
  // The calls in the order to look; one that is not in `known_` any more is dropped when met.
  std::deque<uuid> line_;
  tsl::robin_set<uuid, secret_hash> known_;
  std::vector<uuid> found_; // The answers found in this turn.
};

} // namespace troupe
