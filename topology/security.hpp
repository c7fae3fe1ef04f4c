#pragma once

#include "runtime/config.hpp"
#include "topology/access.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::topology {

/// The clients that may connect without a key.
enum class plain_clients : std::uint8_t {
  /// Clients without a key are refused.
  refused,
  /// Clients without a key may reach the loopback endpoint `open` of a broker.
  open,
};

/// The section `security` of a topology. Where there is one, every link has keys.
struct security_options {
  /// The folder of the keys, joined to the file's folder.
  std::string keys;
  plain_clients clients = plain_clients::refused;
  /// The options of tokens; absent: none are required.
  std::optional<token_options> tokens{};
  /// The rules of who may do what; everything else is forbidden.
  std::vector<access_rule> allow{};
  file_position at{};
};

/// Reads the section.
/// @param folder in which relative paths start.
security_options
read_security(const config_tree& section, const std::string& folder, std::vector<fault>& found);

} // namespace troupe::topology
