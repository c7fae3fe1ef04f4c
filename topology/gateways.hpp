#pragma once

#include "runtime/config.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe::topology {

/// Reads one entry of `gateways` into `into.gateways`.
void read_gateway(const config_tree::entry& entry, plan& into, std::vector<fault>& found);

/// Whether only this machine reaches the gateway, and no proxy in front of it is listed.
bool is_local(const gateway_plan& gateway);

/// The names by which requests may ask for the gateway (Host, without port); empty: any.
///
/// On loopback its own names are among them, and are all if the gateway is local, speaks plain HTTP
/// and names none: any other name that leads there may be that of a page which wants to read
/// answers (DNS rebinding). Over TLS the certificate is none of that name's.
std::vector<std::string> hosts_of(const gateway_plan& gateway);

} // namespace troupe::topology
