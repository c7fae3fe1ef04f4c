#include "topology/checks.hpp"

#include "topology/endpoint.hpp"
#include "topology/events.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>

namespace troupe::topology {

namespace {

/// A part of the topology that listens at an address.
struct listener {
  /// "broker `b1`".
  std::string who;
  /// The machine.
  std::string host;
  endpoint where;
};

/// Reads addresses, and reports those that are malformed or used twice.
class listener_check {
public:
  listener_check(const draft& checked, std::vector<fault>& found)
      : checked_{checked}, found_{found} {}

  using reader = std::variant<endpoint, fault> (*)(std::string_view);

  /// @param key of the value `text`, in `section`.NAME.
  void
  take(listener one, std::string_view key, const std::string& text, file_position at, reader read) {
    if (text.empty()) {
      return;
    }
    auto where = read(text);
    if (auto* wrong = std::get_if<fault>(&where)) {
      found_.push_back(
          {at,
           fmt::format("`{}` of {} ({}) {}", key, one.who, text, wrong->what),
           std::move(wrong->remedy)});
      return;
    }
    one.where = std::get<endpoint>(where);
    const auto other = std::ranges::find_if(in_use_, [&](const listener& each) {
      return each.where == one.where && each.host == one.host;
    });
    if (other != in_use_.end()) {
      found_.push_back(
          {at,
           other->who == one.who
               ? fmt::format("{} listens twice on {}", one.who, text)
               : fmt::format("{} and {} both listen on {}", other->who, one.who, text),
           "give each its own port"});
    }
    in_use_.push_back(std::move(one));
  }

  /// The position of the value of `key`; `otherwise` if there is none.
  file_position position_of_key(
      std::string_view section,
      const std::string& name,
      std::string_view key,
      file_position otherwise) const {
    const config_tree* const named = checked_.find(section, name);
    return position_of({named == nullptr ? nullptr : named->find(key)}, otherwise);
  }

private:
  const draft& checked_;
  std::vector<fault>& found_;
  std::vector<listener> in_use_;
};

std::variant<endpoint, fault> read_gateway_address(std::string_view text) {
  auto read = read_http_endpoint(text);
  if (auto* wrong = std::get_if<fault>(&read)) {
    return std::move(*wrong);
  }
  return std::get<http_endpoint>(read).where;
}

/// Checks that each broker has an endpoint, and that each listener has a port of its own.
void check_endpoints(const draft& checked, std::vector<fault>& found) {
  listener_check listeners{checked, found};
  for (const broker_plan& broker : checked.result.brokers) {
    const std::string who = fmt::format("broker `{}`", broker.name);
    const auto at = [&](std::string_view key) {
      return listeners.position_of_key("brokers", broker.name, key, broker.at);
    };
    const auto read = checked.result.security ? read_secured_endpoint : read_endpoint;
    listeners.take({who, broker.host, {}}, "listen", broker.listen, at("listen"), read);
    listeners.take({who, broker.host, {}}, "open", broker.open, at("open"), read_endpoint);
    listeners.take({who, broker.host, {}}, "admin", broker.admin, at("admin"), read_admin_address);
  }
  for (const node_plan& node : checked.result.nodes) {
    listeners.take(
        {fmt::format("node `{}`", node.name.value), node.host, {}},
        "admin",
        node.admin,
        listeners.position_of_key("nodes", node.name.value, "admin", node.at),
        read_admin_address);
  }
  for (const gateway_plan& gateway : checked.result.gateways) {
    const std::string who = fmt::format("gateway `{}`", gateway.name);
    const auto at = [&](std::string_view key) {
      return listeners.position_of_key("gateways", gateway.name, key, gateway.at);
    };
    // A malformed address is reported where it is read.
    const std::string listen = gateway.address.port == 0 ? "" : gateway.listen;
    listeners.take({who, gateway.host, {}}, "listen", listen, at("listen"), read_gateway_address);
    listeners.take(
        {who, gateway.host, {}}, "admin", gateway.admin, at("admin"), read_admin_address);
  }
}

/// Checks that each process can reach each broker.
void check_reach(const plan& whole, std::vector<fault>& found) {
  for (const broker_plan& broker : whole.brokers) {
    const auto where = read_secured_endpoint(broker.listen);
    const auto* const address = std::get_if<endpoint>(&where);
    if (address == nullptr || !is_loopback(*address)) {
      continue;
    }
    const auto check = [&](std::string_view kind, std::string_view name, const std::string& host) {
      if (host != broker.host) {
        found.push_back(
            {broker.at,
             fmt::format(
                 "broker `{}` listens on loopback, where {} `{}` on host `{}` cannot reach it",
                 broker.name,
                 kind,
                 name,
                 host),
             "write an address of the broker's host that the other hosts reach"});
        return true;
      }
      return false;
    };
    const bool is_cut_off = std::ranges::any_of(whole.nodes, [&](const node_plan& each) {
      return check("node", each.name.value, each.host);
    });
    if (!is_cut_off) {
      (void)std::ranges::any_of(whole.gateways, [&](const gateway_plan& each) {
        return check("gateway", each.name, each.host);
      });
    }
  }
}

/// Checks the consequences of keys of links, or of their absence.
void check_security(const draft& checked, std::vector<fault>& found) {
  const plan& whole = checked.result;
  const bool takes_plain = whole.security && whole.security->clients == plain_clients::open;
  bool is_any_open = false;
  for (const broker_plan& broker : whole.brokers) {
    if (broker.open.empty()) {
      continue;
    }
    is_any_open = true;
    if (!takes_plain) {
      found.push_back(
          {broker.at,
           fmt::format(
               "broker `{}` has an endpoint for clients without keys (`open`)", broker.name),
           whole.security ? "write `clients: open` in `security` if they are to be let in"
                          : "leave `open` out: without `security`, they connect to `listen`"});
    }
  }
  if (takes_plain && !is_any_open) {
    found.push_back(
        {whole.security->at,
         "`clients` of security is `open`, and no broker says where",
         "add `open: \"tcp://127.0.0.1:5560\"` to a broker: a port besides `listen`"});
  }
  if (whole.security && !whole.brokers.empty()) {
    check_reach(whole, found);
  }
}

/// Checks that no two processes have the same name, since logs and `status` identify them by name
/// alone.
void check_names_apart(const draft& checked, std::vector<fault>& found) {
  std::map<std::string_view, std::string_view> kinds;
  if (checked.result.security) {
    kinds.emplace("operator", "person, whose key `troupe` uses,");
    kinds.emplace("anonymous", "peer without a key, whoever it is,");
  }
  const auto take = [&](std::string_view name, std::string_view kind, file_position at) {
    const auto [known, is_new] = kinds.emplace(name, kind);
    if (!is_new) {
      found.push_back(
          {at,
           fmt::format("`{}` names a {} and a {}", name, known->second, kind),
           "rename one of them"});
    }
  };
  for (const broker_plan& each : checked.result.brokers) {
    take(each.name, "broker", each.at);
  }
  for (const node_plan& each : checked.result.nodes) {
    take(each.name.value, "node", each.at);
  }
  for (const gateway_plan& each : checked.result.gateways) {
    take(each.name, "gateway", each.at);
  }
}

void check_heartbeat(const draft& checked, std::vector<fault>& found) {
  const auto& heartbeat = checked.result.heartbeat;
  const auto least = 3 * heartbeat.interval;
  if (heartbeat.timeout >= least) {
    return;
  }
  found.push_back(
      {position_of(
           {checked.find("heartbeat", "timeout"), checked.find("heartbeat", "interval")}, {}),
       fmt::format(
           "heartbeat: a timeout of {} is less than three intervals of {}, so that one late "
           "heartbeat would look like a death",
           duration_text(heartbeat.timeout),
           duration_text(heartbeat.interval)),
       fmt::format("raise `timeout` to {} or lower `interval`", duration_text(least))});
}

/// In whole MiB, so that it can be copied into the topology.
std::string memory_text(std::uint64_t bytes) {
  constexpr std::uint64_t mebibyte = 1U << 20U;
  return fmt::format("{}MiB", (bytes + mebibyte - 1) / mebibyte);
}

void check_memory(const draft& checked, std::vector<fault>& found) {
  const plan& whole = checked.result;
  std::uint64_t queues = 0;
  std::uint64_t windows = 0;
  std::uint64_t most = 0;
  const capability_plan* largest = nullptr;
  for (const capability_plan& capability : whole.capabilities) {
    const std::uint64_t bytes = queue_bytes_max(capability, whole.body_bytes_max);
    queues += bytes;
    windows += capability.subscribes.empty() ? 0 : window_bytes_least(whole.body_bytes_max);
    if (largest == nullptr || bytes > most) {
      largest = &capability;
      most = bytes;
    }
  }
  // Windows may take at most half of the memory, whatever the queues need.
  const std::uint64_t needed = std::max(queues, windows) + windows;
  if (largest == nullptr || needed <= whole.memory_max || !checked.sizes_are_read) {
    return;
  }
  const file_position at = position_of({checked.find("limits", "memory")}, largest->at);
  if (queues <= whole.memory_max) {
    found.push_back(
        {at,
         fmt::format(
             "subscribers need {} at the broker, an event of `limits.body` ({}) and 64KiB each; "
             "beside full queues, which need {}, that is more than `limits.memory` allows ({})",
             size_text(windows),
             size_text(whole.body_bytes_max),
             size_text(queues),
             size_text(whole.memory_max)),
         fmt::format("raise `limits.memory` to {}, or lower `limits.body`", memory_text(needed))});
    return;
  }
  found.push_back(
      {at,
       fmt::format(
           "full queues would need {} at the broker: (in_flight x nodes + queue) x {} of "
           "`limits.body`, summed over the capabilities; `limits.memory` allows {}, and the "
           "largest share is {} of capability `{}`",
           size_text(queues),
           size_text(whole.body_bytes_max),
           size_text(whole.memory_max),
           size_text(most),
           largest->name.value),
       fmt::format(
           "lower `limits.body` or the `bulkhead` of `{}`, or raise `limits.memory` to {} if the "
           "machine has it",
           largest->name.value,
           memory_text(needed))});
}

void check_databases_apart(const draft& checked, std::vector<fault>& found) {
  std::map<std::string, const capability_plan*> owners;
  const auto& capabilities = checked.result.capabilities;
  for (std::size_t i = 0; i < capabilities.size(); ++i) {
    const capability_plan& capability = capabilities[i];
    if (!capability.store || is_on_server(*capability.store)) {
      continue; // On a server each capability has a schema of its own.
    }
    const auto [owner, first] = owners.emplace(*capability.store, &capability);
    if (first) {
      continue;
    }
    found.push_back(
        {position_of({checked.sections[i]->find("store")}, capability.at),
         fmt::format(
             "capabilities `{}` and `{}` share the database {}",
             owner->second->name.value,
             capability.name.value,
             *capability.store),
         "give each its own file: put {capability} into the path"});
  }
  for (const gateway_plan& gateway : checked.result.gateways) {
    const auto owner = gateway.store ? owners.find(*gateway.store) : owners.end();
    if (owner != owners.end()
        || (gateway.store && *gateway.store == checked.result.events.journal)) {
      const config_tree* const section = checked.find("gateways", gateway.name);
      found.push_back(
          {position_of({section == nullptr ? nullptr : section->find("store")}, gateway.at),
           fmt::format(
               "gateway `{}` and {} share the database {}",
               gateway.name,
               owner == owners.end() ? std::string{"the journal of events"}
                                     : fmt::format("capability `{}`", owner->second->name.value),
               *gateway.store),
           "give the gateway a file of its own: `store: \"sqlite:data/NAME.db\"`"});
    }
  }
}

} // namespace

const config_tree* draft::find(std::string_view first, std::string_view second) const {
  const config_tree* section = root->find(first);
  return section == nullptr ? nullptr : section->find(second);
}

file_position
position_of(std::initializer_list<const config_tree*> values, file_position otherwise) {
  for (const config_tree* value : values) {
    if (value != nullptr) {
      return value->at;
    }
  }
  return otherwise;
}

std::string check_name(std::string_view name) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_inner = [&](char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '_'; };
  if (name.empty() || !is_lower(name.front()) || !std::ranges::all_of(name, is_inner)) {
    return "is no name";
  }
  return name.size() > 64 ? "is longer than 64 characters" : "";
}

void check_whole(const draft& checked, std::vector<fault>& found) {
  check_endpoints(checked, found);
  check_names_apart(checked, found);
  check_security(checked, found);
  check_heartbeat(checked, found);
  check_memory(checked, found);
  check_databases_apart(checked, found);
  check_journal(checked, found);
}

} // namespace troupe::topology
