#pragma once

#include "runtime/transport/curve_keys.hpp"
#include "runtime/transport/router_loop.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <tsl/robin_map.h>
#include <vector>

namespace troupe::transport {

/// The connections of a router_loop, each with the key it was accepted with, so that the
/// connections of a key that is no longer valid can be closed. Pure.
///
/// libzmq gives the key and the descriptor of a connection only with its messages, so a connection
/// is here from its first message on.
class keyed_links {
public:
  /// Whether the connection is here. Remembers the last one asked for.
  bool has(peer whom);

  /// @param owner of the key; there is none where connections need no key.
  void
  add(peer whom,
      int descriptor,
      std::string_view owner,
      const std::optional<curve_public_key>& key);

  /// The connection with this descriptor ended.
  void ended(int descriptor);

  /// Connections that were taken out.
  struct taken {
    std::vector<int> descriptors;
    std::vector<peer> peers;
    std::set<std::string> owners;
  };

  /// Removes and returns the connections whose keys are not valid.
  taken take_invalid(const std::function<bool(const curve_public_key&)>& is_valid);

  std::size_t size() const { return by_descriptor_.size(); }

private:
  struct link {
    peer whom{};
    std::string owner;
    std::optional<curve_public_key> key;
  };

  tsl::robin_map<int, link> by_descriptor_;
  tsl::robin_map<std::uint64_t, int> of_peer_;
  std::optional<peer> last_;
};

} // namespace troupe::transport
