#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::security {

/// What a holder of rights may do; everything else is forbidden.
///
/// A right names exactly what it means: an operation (`users.get`) or a topic (`order.placed`), all
/// below one (`users.*`, `order.*`), or all (`*`). Troupe's own operations and topics
/// (`troupe.broker.status`, the topic `troupe.flags`) are for operators: `call` has to name them,
/// with `troupe.*` for all, since `*` does not allow calling or publishing them.
struct grants {
  /// Operations: `CAPABILITY.OPERATION`, `CAPABILITY.*`, `troupe.*`, `*`.
  std::vector<std::string> call{};
  /// Topics whose events it may publish, or schedule.
  std::vector<std::string> publish{};
  /// Topics to which a capability may subscribe.
  std::vector<std::string> subscribe{};
  /// Topics whose events it may read from the journal.
  std::vector<std::string> read{};

  bool operator==(const grants&) const = default;

  bool may_call(std::string_view capability, std::string_view operation) const;
  bool may_publish(std::string_view topic) const;
  /// @param pattern a topic, `PREFIX.*` or `*`: one right has to grant all topics that it matches.
  bool may_subscribe(std::string_view pattern) const;
  bool may_read(std::string_view pattern) const;

  /// Adds the rights of `other`.
  void add(const grants& other);
};

/// The acts that rules allow.
enum class act : std::uint8_t { call, publish, subscribe, read };

inline constexpr std::size_t act_count = 4;

/// "call", "publish", "subscribe" or "read": the key in a rule.
std::string_view name_of(act what);

/// The rights to `what`.
std::vector<std::string>& rights_to(act what, grants& of);
const std::vector<std::string>& rights_to(act what, const grants& of);

/// Whether `text` is valid in `call`.
bool is_call_right(std::string_view text);

/// Whether `right` covers `name`, an operation with its capability or a topic, and, if `name` is
/// itself a pattern, everything that it matches.
bool covers(std::string_view right, std::string_view name);

} // namespace troupe::security
