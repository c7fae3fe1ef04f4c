#pragma once

#include "runtime/broker/calls/actions.hpp"

#include <unordered_map>

namespace troupe::broker {

/// Ids of calls that workers brought along from an earlier life of this broker: when a client asks
/// for one of them again, the worker already has it.
///
/// Bounded: beyond `ids_max` further ones are not remembered, and a retry of them is delivered once
/// more, to be answered from the inbox.
class held_ids {
public:
  static constexpr std::size_t ids_max = 65'536;

  /// False if there is no room.
  bool add(const uuid& id, std::uint32_t node);
  /// Takes `id` out. @return the node that has it, or `nowhere`.
  std::uint32_t take(const uuid& id);
  void forget_node(std::uint32_t node);

  bool empty() const { return node_of_.empty(); }

private:
  std::unordered_map<uuid, std::uint32_t> node_of_;
};

} // namespace troupe::broker
