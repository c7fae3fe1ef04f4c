#pragma once

#include "runtime/clock.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::store {

/// The addresses of a host, as numbers.
struct host_addresses {
  /// None: nobody knows it.
  std::vector<std::string> found{};
  /// The reason, for people.
  std::string why_not{};
};

/// Looks up the addresses of hosts, and remembers the last ones: if the name servers are
/// unreachable (often together with the site of the primary), the last known addresses are good
/// enough to try, and nobody waits for the lookup. Any thread.
class address_book {
public:
  using lookup = std::function<host_addresses(const std::string& host)>;

  /// @param how called in a thread of its own, which may outlive this object.
  explicit address_book(lookup how = &look_up);

  /// The addresses of several hosts, in their order.
  ///
  /// A host whose lookup fails, or takes longer than `patience`, has the last known ones.
  /// @param are_all true if there is nothing else to try: if no host has any address, this waits
  /// for the lookups as long as they take.
  std::vector<host_addresses>
  find(const std::vector<std::string>& hosts, milliseconds patience, bool are_all = true);

  /// The addresses by the system's resolver, which may take half a minute.
  static host_addresses look_up(const std::string& host);

private:
  struct state;

  std::shared_ptr<state> state_; // Shared with the lookups that are under way.
};

} // namespace troupe::store
