#include "topology/security.hpp"

#include <filesystem>

namespace troupe::topology {

security_options
read_security(const config_tree& section, const std::string& folder, std::vector<fault>& found) {
  config_reader reader{section, "security", found};
  security_options options;
  options.at = section.at;
  const std::string keys = reader.text("keys").value_or("keys");
  if (keys.empty() || keys.find('\0') != std::string::npos) {
    reader.add_fault("keys", "names no folder", "write `keys: keys/`, the folder of the keys");
  }
  options.keys = (std::filesystem::path{folder} / keys).lexically_normal().string();
  if (const auto clients = reader.text("clients")) {
    if (*clients == "open") {
      options.clients = plain_clients::open;
    } else if (*clients != "keys") {
      reader.add_fault(
          "clients",
          "is `" + *clients + "`",
          "write `keys` (each client has its own) or `open` (on loopback none is needed)");
    }
  }
  options.tokens = read_tokens(reader, found);
  options.allow = read_allow(reader, found);
  reader.finish();
  return options;
}

} // namespace troupe::topology
