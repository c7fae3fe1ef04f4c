#include "topology/gateways.hpp"

#include "runtime/contains.hpp"
#include "runtime/gateway/client_address.hpp"
#include "runtime/wire/events.hpp"
#include "topology/host.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fmt/format.h>
#include <utility>

namespace troupe::topology {

namespace {

using kind = config_tree::kind;

constexpr std::size_t routes_max = 1'024;
constexpr std::size_t patterns_max = 64;
constexpr std::size_t origins_max = 64;
constexpr std::size_t proxies_max = 64;
constexpr std::size_t hosts_max = 64;

constexpr std::string_view default_key_store = "sqlite:data/gateway.db";
constexpr std::array statuses{200, 201, 202, 204};

/// "https://shop.example", "http://localhost:3000": scheme, host in lower case, optional port.
/// @source RFC 6454, 6.2.
bool is_origin(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos
      || (text.substr(0, scheme) != "http" && text.substr(0, scheme) != "https")) {
    return false;
  }
  const std::string_view rest = text.substr(scheme + 3);
  return !rest.empty() && std::ranges::all_of(rest, [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0
           || std::string_view{".-:[]"}.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

/// "shop.example", "10.0.0.7", "[2001:db8::7]": a Host field in lower case, without port.
/// @source RFC 9110, 7.2; RFC 3986, 3.2.2.
bool is_host_name(std::string_view text) {
  const bool is_in_brackets = text.size() > 2 && text.starts_with('[') && text.ends_with(']');
  if (is_in_brackets) {
    const std::string_view inside = text.substr(1, text.size() - 2);
    return inside.find(':') != inside.npos && gateway::normal_address(inside).has_value();
  }
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0
           || std::string_view{".-_"}.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

std::string joined(const std::string& folder, const std::string& file) {
  return (std::filesystem::path{folder} / file).lexically_normal().string();
}

/// Reads one entry of `routes`.
class route_reader {
public:
  route_reader(const config_tree::entry& entry, std::vector<fault>& found)
      : entry_{entry}, found_{found}, reader_{
                                          entry.value,
                                          fmt::format("route `{}`", entry.key),
                                          found} {}

  std::optional<route_plan> read() {
    auto key = gateway::route_key::parse(entry_.key);
    if (!key) {
      found_.push_back(
          {entry_.at, key.error().message, "see the routes of topology/README.md for examples"});
      return std::nullopt;
    }
    const bool calls = entry_.value.find("call") != nullptr;
    const bool streams = entry_.value.find("events") != nullptr;
    if (calls == streams) {
      found_.push_back(
          {entry_.at,
           fmt::format(
               "route `{}` has {}", entry_.key, calls ? "`call` and `events`" : "nothing to do"),
           "write one of `call: CAPABILITY.OPERATION` and `events: [TOPIC, ...]`"});
      return std::nullopt;
    }
    route_plan made{.key = std::move(*key), .does = {}, .at = entry_.at};
    const std::size_t faults_before = found_.size();
    made.wants_token = read_token();
    if (calls) {
      made.does = read_call();
    } else {
      made.does = read_events(made.key.method);
    }
    reader_.finish();
    return found_.size() == faults_before ? std::optional{std::move(made)} : std::nullopt;
  }

private:
  bool read_token() {
    const auto word = reader_.text("token");
    if (word && *word != "required") {
      reader_.add_fault(
          "token",
          "is `" + *word + "`",
          "write required, or leave it out: whoever reaches the gateway may use the route");
    }
    return word.has_value();
  }

  call_route_plan read_call() {
    call_route_plan call;
    const std::string target = reader_.text("call").value_or("");
    const std::size_t dot = target.find('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == target.size()) {
      reader_.add_fault(
          "call", fmt::format("is `{}`", target), "write CAPABILITY.OPERATION, such as users.get");
    } else {
      call.capability = capability_name{target.substr(0, dot)};
      call.operation = target.substr(dot + 1);
    }
    const auto times = call_route_plan::deadline_range;
    call.deadline = reader_.duration("deadline", times.least, times.most).value_or(call.deadline);
    if (const auto status = reader_.integer("status", 200, 299)) {
      call.status = static_cast<int>(*status);
      if (!contains(statuses, call.status)) {
        reader_.add_fault(
            "status",
            fmt::format("is {}", call.status),
            fmt::format("write one of {}", fmt::join(statuses, ", ")));
      }
    }
    read_rejected(call);
    if (const auto word = reader_.text("idempotency")) {
      call.wants_key = *word == "required";
      if (!call.wants_key) {
        reader_.add_fault(
            "idempotency",
            "is `" + *word + "`",
            "write required, or leave it out: a request may always have an Idempotency-Key");
      }
    }
    if (const auto key = reader_.text("key")) {
      constexpr std::string_view before = "{body.";
      if (key->starts_with(before) && key->ends_with('}')) {
        call.key_field = key->substr(before.size(), key->size() - before.size() - 1);
      } else {
        reader_.add_fault(
            "key",
            "is `" + *key + "`",
            "write \"{body.FIELD}\": a field of the request, wherever in it that stands");
      }
    }
    call.feature = reader_.text("strangler").value_or("");
    return call;
  }

  void read_rejected(call_route_plan& into) {
    const config_tree* const section = reader_.tree("rejected");
    if (section == nullptr) {
      return;
    }
    config_reader reasons{*section, fmt::format("`rejected` of route `{}`", entry_.key), found_};
    for (const config_tree::entry& each : section->entries) {
      if (const auto status = reasons.integer(each.key, 400, 499)) {
        into.rejected.emplace(each.key, static_cast<int>(*status));
      }
    }
  }

  events_route_plan read_events(http::method method) {
    events_route_plan events;
    if (method != http::method::get) {
      found_.push_back(
          {entry_.at,
           fmt::format("route `{}` streams events", entry_.key),
           "write GET: readers of events only read"});
    }
    const auto patterns = reader_.texts("events");
    if (!patterns) {
      return events;
    }
    if (patterns->empty() || patterns->size() > patterns_max) {
      reader_.add_fault(
          "events",
          fmt::format("has {} entries", patterns->size()),
          fmt::format("write 1 to {} topics, such as [order.*]", patterns_max));
    }
    for (std::size_t i = 0; i < patterns->size(); ++i) {
      const std::string& pattern = (*patterns)[i];
      const file_position at = entry_.value.find("events")->items[i].at;
      if (!wire::is_pattern(pattern)) {
        found_.push_back(
            {at,
             fmt::format("`{}` in `events` of route `{}` means no topics", pattern, entry_.key),
             "write a topic such as order.created, all below one such as order.*, or \"*\""});
      } else if (contains(events.patterns, pattern)) {
        found_.push_back(
            {at,
             fmt::format("`events` of route `{}` has `{}` twice", entry_.key, pattern),
             "remove one of them"});
      } else {
        events.patterns.push_back(pattern);
      }
    }
    return events;
  }

  const config_tree::entry& entry_;
  std::vector<fault>& found_;
  config_reader reader_;
};

void read_listen(config_reader& reader, gateway_plan& into) {
  reader.require("listen", "say where it listens, as in `listen: \"http://127.0.0.1:8080\"`");
  bool uses_tls = false;
  if (const auto listen = reader.text("listen")) {
    into.listen = *listen;
    auto read = read_http_endpoint(*listen);
    if (auto* wrong = std::get_if<fault>(&read)) {
      reader.add_fault("listen", fmt::format("({}) {}", *listen, wrong->what), wrong->remedy);
      (void)reader.tree("tls"); // Read for its faults only; the result has no use.
      return;
    }
    uses_tls = std::get<http_endpoint>(read).uses_tls;
    into.address = std::get<http_endpoint>(read).where;
  }
  const config_tree* const tls = reader.tree("tls");
  if (tls == nullptr && uses_tls) {
    reader.add_fault(
        "listen",
        "is https:// without `tls`",
        "add `tls: {certificate: FILE.pem, key: FILE.key}`, or write http://");
  } else if (tls != nullptr && !uses_tls && !into.listen.empty()) {
    reader.add_fault("tls", "cannot be used with http://", "write https://, or remove it");
  }
}

void read_tls(
    const config_tree* section,
    const std::string& who,
    const std::string& folder,
    gateway_plan& into,
    std::vector<fault>& found) {
  if (section == nullptr) {
    return;
  }
  config_reader reader{*section, "tls of " + who, found};
  reader.require("certificate", "name a PEM file: the certificate, then those that signed it");
  reader.require("key", "name a PEM file that nobody else can read");
  into.tls = gateway_plan::tls_plan{
      joined(folder, reader.text("certificate").value_or("")),
      joined(folder, reader.text("key").value_or(""))};
  reader.finish();
}

void read_cors(
    const config_tree* section,
    const std::string& who,
    gateway_plan& into,
    std::vector<fault>& found) {
  if (section == nullptr) {
    return;
  }
  config_reader reader{*section, "cors of " + who, found};
  reader.require("origins", "name the sites whose pages may read answers");
  const auto origins = reader.texts("origins").value_or(std::vector<std::string>{});
  if (origins.size() > origins_max) {
    reader.add_fault(
        "origins",
        fmt::format("has {} entries", origins.size()),
        fmt::format("stay below {}", origins_max + 1));
  }
  for (std::size_t i = 0; i < origins.size(); ++i) {
    if (!is_origin(origins[i])) {
      found.push_back(
          {section->find("origins")->items[i].at,
           fmt::format("`{}` in `origins` of {} is no origin", origins[i], who),
           "write a scheme and a host in lower case, such as https://shop.example, and no path"});
    }
  }
  into.origins = origins;
  reader.finish();
}

void read_rate(
    const config_tree* section,
    const std::string& who,
    gateway_plan& into,
    std::vector<fault>& found) {
  if (section == nullptr) {
    return;
  }
  config_reader reader{*section, "rate of " + who, found};
  reader.require("requests", "say how many requests a client may send `within` a time");
  reader.require("within", "say within which time, such as 1s");
  const auto requests = gateway_plan::requests_range;
  const auto within = gateway_plan::within_range;
  gateway::rate rate;
  if (const auto per = reader.text("per"); per && *per != "client") {
    reader.add_fault("per", "is `" + *per + "`", "write client: each address has its own");
  }
  rate.requests = reader.integer("requests", requests.least, requests.most).value_or(1);
  rate.within = reader.duration("within", within.least, within.most).value_or(rate.within);
  rate.burst = reader.integer("burst", 1, requests.most).value_or(rate.requests);
  into.rate = rate;
  reader.finish();
}

void read_proxies(
    const config_tree::entry& gateway,
    config_reader& reader,
    gateway_plan& into,
    std::vector<fault>& found) {
  const auto proxies = reader.texts("proxies").value_or(std::vector<std::string>{});
  if (proxies.size() > proxies_max) {
    reader.add_fault(
        "proxies",
        fmt::format("has {} entries", proxies.size()),
        fmt::format("stay below {}", proxies_max + 1));
  }
  for (std::size_t i = 0; i < proxies.size(); ++i) {
    if (auto address = gateway::normal_address(proxies[i])) {
      into.proxies.push_back(std::move(*address));
    } else {
      found.push_back(
          {gateway.value.find("proxies")->items[i].at,
           fmt::format("`{}` in `proxies` of gateway `{}` is no address", proxies[i], gateway.key),
           "write the IP address from which that proxy connects, such as 10.0.0.1; whoever "
           "connects from it is believed whom it speaks for"});
    }
  }
}

void read_hosts(
    const config_tree::entry& gateway,
    config_reader& reader,
    gateway_plan& into,
    std::vector<fault>& found) {
  into.hosts = reader.texts("hosts").value_or(std::vector<std::string>{});
  if (into.hosts.size() > hosts_max) {
    reader.add_fault(
        "hosts",
        fmt::format("has {} entries", into.hosts.size()),
        fmt::format("stay below {}", hosts_max + 1));
  }
  for (std::size_t i = 0; i < into.hosts.size(); ++i) {
    if (!is_host_name(into.hosts[i])) {
      found.push_back(
          {gateway.value.find("hosts")->items[i].at,
           fmt::format(
               "`{}` in `hosts` of gateway `{}` is no name of a host", into.hosts[i], gateway.key),
           "write what stands in the address bar behind https://, in lower case and without a "
           "port, "
           "such as shop.example"});
    }
  }
}

void read_store(config_reader& reader, const std::string& folder, gateway_plan& into) {
  const std::string store = reader.text("store").value_or(std::string{default_key_store});
  if (auto wrong = check_store(store)) {
    reader.add_fault("store", told_of_store(store, wrong->what), wrong->remedy);
  } else if (auto on_server = check_is_file(store, "write sqlite:data/gateway.db, or none")) {
    reader.add_fault("store", told_of_store(store, on_server->what), on_server->remedy);
  } else if (store.find('{') != std::string::npos) {
    reader.add_fault(
        "store",
        fmt::format("(`{}`) has braces: it is no capability's", store),
        fmt::format("write {}", default_key_store));
  } else {
    into.store = store_for(store, {}, folder);
  }
}

void read_ui(config_reader& reader, gateway_plan& into) {
  const std::string word = reader.text("ui").value_or("");
  if (word == "loopback") {
    into.ui = page_readers::loopback;
  } else if (word == "operators") {
    into.ui = page_readers::operators;
  } else if (!word.empty()) {
    reader.add_fault(
        "ui",
        "is `" + word + "`",
        "write loopback, for whoever is on this machine, or operators, for whoever has a service "
        "token with the right to `troupe.broker.status`");
  }
}

} // namespace

void read_gateway(const config_tree::entry& entry, plan& into, std::vector<fault>& found) {
  const std::string who = fmt::format("gateway `{}`", entry.key);
  config_reader reader{entry.value, who, found};
  gateway_plan made;
  made.name = entry.key;
  made.at = entry.at;
  made.host = read_host(reader);
  made.admin = reader.text("admin").value_or("");
  read_listen(reader, made);
  read_tls(reader.tree("tls"), who, into.folder, made, found);
  read_cors(reader.tree("cors"), who, made, found);
  read_rate(reader.tree("rate"), who, made, found);
  read_proxies(entry, reader, made, found);
  read_hosts(entry, reader, made, found);
  read_store(reader, into.folder, made);
  made.otherwise = reader.text("otherwise").value_or("");
  read_ui(reader, made);
  const config_tree* const routes = reader.tree("routes");
  if (routes == nullptr && !made.otherwise.empty()) {
    // Valid: the legacy system answers everything so far.
  } else if (routes == nullptr || routes->is != kind::map || routes->entries.empty()) {
    reader.add_fault(
        "routes",
        "has no routes in it",
        "add one, such as `GET /api/users/{user_id}: {call: users.get}`");
  } else if (routes->entries.size() > routes_max) {
    reader.add_fault(
        "routes",
        fmt::format("has {} entries", routes->entries.size()),
        fmt::format("stay below {}, or write several gateways", routes_max + 1));
  } else {
    for (const config_tree::entry& each : routes->entries) {
      if (auto route = route_reader{each, found}.read()) {
        made.routes.push_back(std::move(*route));
      }
    }
  }
  reader.finish();
  into.gateways.push_back(std::move(made));
}

bool is_local(const gateway_plan& gateway) {
  return is_loopback(gateway.address) && gateway.proxies.empty();
}

std::vector<std::string> hosts_of(const gateway_plan& gateway) {
  std::vector<std::string> hosts = gateway.hosts;
  if ((is_local(gateway) && !gateway.tls) || (is_loopback(gateway.address) && !hosts.empty())) {
    hosts.insert(hosts.end(), {"localhost", "127.0.0.1", "[::1]", gateway.address.host});
  }
  return hosts;
}

} // namespace troupe::topology
