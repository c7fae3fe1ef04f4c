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
  /// Why not, as people read it.
  std::string why_not{};
};

/// Looks up the addresses of hosts, and remembers those that were told last: where servers of names
/// are away (often with the site of the primary), what was true a moment ago is good enough to be
/// tried, and nobody waits for them. Any thread.
class address_book {
public:
  using lookup = std::function<host_addresses(const std::string& host)>;

  /// @param how in a thread of its own, which may outlive this object.
  explicit address_book(lookup how = &look_up);

  /// The addresses of several hosts, in their order.
  ///
  /// A host whose lookup fails, or is over `patience` since it began, has those that were told
  /// last.
  /// @param are_all true if there is nothing else to try: where no host has any address, this waits
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
