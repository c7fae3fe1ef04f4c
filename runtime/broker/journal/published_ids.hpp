#pragma once

#include "runtime/broker/journal/batch.hpp"
#include "runtime/store/database.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::broker {

/// The ids under which clients published: the table `published`, in rows of up to 60, the ids of
/// each commit apart. A client that repeats an id is answered from them, even after the event was
/// deleted.
///
/// Belongs to the journal's writer and works in its transactions: `keep` follows each commit,
/// `take_back` each one that failed.
class published_ids {
public:
  /// The number of remembered ids, the newest ones. @source runtime/wire/FORMAT.md, section 11.
  static constexpr std::uint64_t kept = 65'536;

  /// The remembered ids, oldest first. Throws database_error.
  std::vector<journal_state::published> load(store::database& session);

  /// Writes the ids of a batch, and deletes rows that are older than `kept` allows.
  void write(store::database& session, const std::vector<event_ref>& events);

  void keep();

  void take_back() { added_ = 0; }

private:
  std::uint64_t total_ = 0;     // Ids ever written.
  std::uint64_t added_ = 0;     // By a transaction that is not committed.
  std::uint64_t forgotten_ = 0; // Ids up to this number are deleted, or about to be.
  std::string entries_;         // Reused.
};

} // namespace troupe::broker
