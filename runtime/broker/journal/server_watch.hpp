#pragma once

#include "runtime/broker/journal/lease_table.hpp"
#include "runtime/clock.hpp"

#include <cstdint>
#include <mutex>
#include <optional>

namespace troupe::broker {

/// What is known of the condition of a journal's server, for people. `look` belongs to one thread,
/// `last` to any.
class server_watch {
public:
  /// Asks the server, if it is time to.
  void look(lease_table& table, instant now);

  /// As it was some seconds ago; nothing while that is not known.
  std::optional<server_condition> last() const;

private:
  instant next_{};
  std::int64_t horizon_ = 0; // Of the last look.
  instant horizon_since_{};  // Since when it has been that one.
  mutable std::mutex mutex_;
  std::optional<server_condition> last_;
};

} // namespace troupe::broker
