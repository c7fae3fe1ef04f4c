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

/// The Host names that requests to the gateway may use, without port; empty: any.
///
/// On loopback its own names are among them, and are the only ones if the gateway is local, speaks
/// plain HTTP and names none: any other name that resolves to it may belong to a page that wants to
/// read answers (DNS rebinding). With TLS the certificate does not match such a name.
std::vector<std::string> hosts_of(const gateway_plan& gateway);

} // namespace troupe::topology
