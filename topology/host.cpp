#include "topology/host.hpp"

#include <algorithm>
#include <cctype>

namespace troupe::topology {

std::string read_host(config_reader& section) {
  std::string host = section.text("host").value_or("here");
  const bool is_name =
      !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == ':' || c == '_';
      });
  if (!is_name) {
    section.add_fault("host", "is `" + host + "`", "write `here` for this machine, or a host name");
    // A valid name, so that this fault causes no others.
    return "here";
  }
  return host == "localhost" || host == "::1" || host.starts_with("127.") ? "here" : host;
}

} // namespace troupe::topology
