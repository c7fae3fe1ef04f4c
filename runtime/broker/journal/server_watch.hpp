#pragma once

#include "runtime/broker/journal/lease_table.hpp"
#include "runtime/clock.hpp"

#include <cstdint>
#include <mutex>
#include <optional>

namespace troupe::broker {

/// The last known condition of a journal's server, for people. `look` belongs to one thread, `last`
/// to any.
class server_watch {
public:
  /// Asks the server, if that is due.
  void look(lease_table& table, instant now);

  /// The condition some seconds ago; nothing while it is unknown.
  std::optional<server_condition> last() const;

private:
  instant next_{};
  std::int64_t horizon_ = 0; // Of the last look.
  instant horizon_since_{};  // Since when it has been that one.
  mutable std::mutex mutex_;
  std::optional<server_condition> last_;
};

} // namespace troupe::broker
