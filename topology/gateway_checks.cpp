#include "topology/gateway_checks.hpp"

#include "runtime/wire/events.hpp"
#include "topology/faults.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace troupe::topology {

namespace {

using wire::operation_kind;

std::string_view name_of(operation_kind is) {
  return is == operation_kind::query ? "query" : is == operation_kind::command ? "command" : "saga";
}

/// Whether a value can be written in a path or a query.
bool is_one_value(const wire::value_schema& type) {
  return type.within.empty() && type.is != wire::form::message && type.is != wire::form::any;
}

/// The route being checked.
struct route_subject {
  const draft& checked;
  const gateway_plan& gateway;
  const route_plan& route;
  const config_tree* section;

  std::string name() const {
    return fmt::format("{} {}", http::name_of(route.key.method), route.key.path.text());
  }

  file_position at(std::string_view key) const {
    return position_of({section == nullptr ? nullptr : section->find(key)}, route.at);
  }
};

const wire::field_schema* find_field(const wire::message_schema& type, std::string_view name) {
  const auto found =
      std::ranges::find_if(type.fields, [&](const auto& each) { return each.name == name; });
  return found == type.fields.end() ? nullptr : &*found;
}

std::vector<std::string> names_of(const wire::message_schema& type) {
  std::vector<std::string> names;
  for (const wire::field_schema& each : type.fields) {
    names.push_back(each.name);
  }
  return names;
}

/// Checks that a field named by a route has a single value in the request.
void check_field(
    const route_subject& on,
    const wire::message_schema& request,
    const std::string& field,
    std::string_view where,
    file_position at,
    std::vector<fault>& found) {
  const wire::field_schema* const known = find_field(request, field);
  if (known == nullptr) {
    const auto names = names_of(request);
    found.push_back(
        {at,
         fmt::format(
             "route `{}` has `{}` in its {}, and `{}` has no such field",
             on.name(),
             field,
             where,
             request.name),
         remedy_for_unknown(
             field,
             names,
             names.empty() ? "it has no fields; remove it"
                           : fmt::format("its fields are {}", fmt::join(names, ", ")))});
  } else if (!is_one_value(known->type)) {
    found.push_back(
        {at,
         fmt::format(
             "route `{}` has `{}` in its {}, and that field is no single value",
             on.name(),
             field,
             where),
         "name a field that is text, a number or an id"});
  }
}

/// Checks how a request becomes the message of an operation.
void check_request(
    const route_subject& on,
    const call_route_plan& call,
    const wire::message_schema& request,
    std::vector<fault>& found) {
  const auto variables = on.route.key.path.names();
  for (const std::string& each : variables) {
    check_field(on, request, each, "path", on.route.at, found);
  }
  if (!call.key_field.empty()) {
    check_field(on, request, call.key_field, "`key`", on.at("key"), found);
  }
  const bool has_body =
      on.route.key.method != http::method::get && on.route.key.method != http::method::erase;
  for (const wire::field_schema& each : request.fields) {
    if (!has_body && !each.optional && !is_one_value(each.type)) {
      found.push_back(
          {on.route.at,
           fmt::format(
               "route `{}` cannot give `{}` its field `{}`, which fits neither a path nor a query",
               on.name(),
               request.name,
               each.name),
           "write POST, whose body has it"});
    }
  }
}

void check_kind(
    const route_subject& on,
    const call_route_plan& call,
    operation_kind is,
    const capability_plan& capability,
    std::vector<fault>& found) {
  if (on.route.key.method == http::method::get && is != operation_kind::query) {
    found.push_back(
        {on.at("call"),
         fmt::format(
             "route `{}` calls the {} `{}.{}`, and a GET must change nothing: browsers, caches and "
             "crawlers repeat it at will",
             on.name(),
             name_of(is),
             call.capability.value,
             call.operation),
         "write POST, PUT, PATCH or DELETE"});
  }
  if (call.wants_key && is == operation_kind::query) {
    found.push_back(
        {on.at("idempotency"),
         fmt::format("route `{}` wants keys for a query, which changes nothing", on.name()),
         "remove `idempotency`"});
  } else if (call.wants_key && !capability.store) {
    found.push_back(
        {on.at("idempotency"),
         fmt::format(
             "route `{}` wants keys, and capability `{}` has no store to know repeats by",
             on.name(),
             capability.name.value),
         "give the capability a store, or remove `idempotency`"});
  }
}

void check_call(
    const route_subject& on,
    const call_route_plan& call,
    const std::vector<actor_type>& types,
    std::vector<fault>& found) {
  const capability_plan* const capability = on.checked.result.find(call.capability);
  if (capability == nullptr) {
    std::vector<std::string> known;
    for (const capability_plan& each : on.checked.result.capabilities) {
      known.push_back(each.name.value);
    }
    found.push_back(
        {on.at("call"),
         fmt::format(
             "route `{}` calls the unknown capability `{}`", on.name(), call.capability.value),
         remedy_for_unknown(
             call.capability.value,
             known,
             fmt::format("the capabilities are {}", fmt::join(known, ", ")))});
    return;
  }
  const actor_type* const type = type_named(capability->actor, types);
  if (type == nullptr) {
    return; // An unknown actor type is reported elsewhere.
  }
  const wire::operation_description* const operation = type->described.find(call.operation);
  if (operation == nullptr) {
    const auto known = type->described.operation_names();
    found.push_back(
        {on.at("call"),
         fmt::format(
             "route `{}` calls `{}.{}`, which the actor type `{}` does not serve",
             on.name(),
             call.capability.value,
             call.operation,
             type->name),
         remedy_for_unknown(
             call.operation,
             known,
             known.empty() ? "it serves no operation"
                           : fmt::format("its operations are {}", fmt::join(known, ", ")))});
    return;
  }
  check_kind(on, call, operation->kind, *capability, found);
  const wire::message_schema* const request =
      wire::find_schema(type->described.types, operation->request.value_or(""));
  if (request == nullptr || !operation->reply) {
    found.push_back(
        {on.at("call"),
         fmt::format(
             "route `{}` calls `{}.{}`, whose types are not known, so that no JSON can be made of "
             "them",
             on.name(),
             call.capability.value,
             call.operation),
         "declare the operation with a request and a reply that are messages"});
    return;
  }
  check_request(on, call, *request, found);
}

/// Whether any event can be published whose topic matches the pattern.
bool is_published(
    const draft& checked, const std::vector<actor_type>& types, std::string_view one) {
  for (const capability_plan& capability : checked.result.capabilities) {
    const actor_type* const type = type_named(capability.actor, types);
    if (type == nullptr) {
      return true;
    }
    const auto& topics = type->described.publishes;
    if (std::ranges::any_of(topics, [&](const wire::topic_description& each) {
          return wire::matches(one, each.pattern) || wire::matches(each.pattern, one);
        })) {
      return true;
    }
    // Clients may publish what capabilities subscribe to.
    if (std::ranges::any_of(capability.subscribes, [&](const std::string& each) {
          return wire::matches(one, each) || wire::matches(each, one);
        })) {
      return true;
    }
  }
  return false;
}

void check_events(
    const route_subject& on,
    const events_route_plan& events,
    const std::vector<actor_type>& types,
    std::vector<fault>& found) {
  if (!on.route.key.path.names().empty()) {
    found.push_back(
        {on.route.at,
         fmt::format("route `{}` streams events and has variables in its path", on.name()),
         "write a path without variables: every reader gets the same events"});
  }
  for (std::size_t i = 0; i < events.patterns.size(); ++i) {
    const std::string& pattern = events.patterns[i];
    if (is_published(on.checked, types, pattern)) {
      continue;
    }
    const config_tree* const list = on.section == nullptr ? nullptr : on.section->find("events");
    found.push_back(
        {list == nullptr ? on.route.at : list->items[i].at,
         fmt::format(
             "route `{}` streams `{}`, which nobody in this topology publishes or subscribes to",
             on.name(),
             pattern),
         "name topics that `troupe describe` shows"});
  }
}

std::string text_of(const route_plan& route) {
  return fmt::format("{} {}", http::name_of(route.key.method), route.key.path.text());
}

/// The paths that the gateway itself answers.
std::vector<std::string> paths_of(const gateway_plan& gateway) {
  std::vector<std::string> paths = gateway::own_paths();
  if (gateway.ui != page_readers::nobody) {
    paths.emplace_back("/ui");
    paths.emplace_back("/ui/{below*}");
  }
  return paths;
}

/// Checks that no request matches two routes.
void check_overlaps(const gateway_plan& gateway, std::vector<fault>& found) {
  const auto& routes = gateway.routes;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    for (const std::string& own : paths_of(gateway)) {
      const auto path = gateway::route_path::parse(own);
      if (path && routes[i].key.path.overlaps(*path)) {
        found.push_back(
            {routes[i].at,
             fmt::format(
                 "route `{}` takes requests for {}, which the gateway itself answers",
                 text_of(routes[i]),
                 own),
             "choose another path"});
      }
    }
    const auto other = std::find_if(
        routes.begin(),
        routes.begin() + static_cast<std::ptrdiff_t>(i),
        [&](const route_plan& each) { return each.key.overlaps(routes[i].key); });
    if (other != routes.begin() + static_cast<std::ptrdiff_t>(i)) {
      found.push_back(
          {routes[i].at,
           fmt::format(
               "routes `{}` (line {}) and `{}` take the same requests",
               text_of(*other),
               other->at.line,
               text_of(routes[i])),
           "tell them apart by a literal segment, or remove one"});
    }
  }
}

/// Checks that gateways that share a database of keys are on one machine.
void check_one_host(const draft& checked, std::vector<fault>& found) {
  std::map<std::string, const gateway_plan*> first_of;
  for (const gateway_plan& each : checked.result.gateways) {
    if (!each.store) {
      continue;
    }
    const auto [first, is_first] = first_of.emplace(*each.store, &each);
    if (!is_first && first->second->host != each.host) {
      found.push_back(
          {each.at,
           fmt::format(
               "gateways `{}` on {} and `{}` on {} keep Idempotency-Keys in one SQLite file, {}",
               first->second->name,
               first->second->host,
               each.name,
               each.host,
               *each.store),
           "give one `store: none`, which takes keys that are UUIDs of version 7 only, or place "
           "both on one host"});
    }
  }
}

const config_tree*
section_of(const draft& checked, const gateway_plan& gateway, const route_plan& route) {
  const config_tree* const named = checked.find("gateways", gateway.name);
  const config_tree* const routes = named == nullptr ? nullptr : named->find("routes");
  if (routes == nullptr) {
    return nullptr;
  }
  const auto found =
      std::ranges::find_if(routes->entries, [&](const auto& each) { return each.at == route.at; });
  return found == routes->entries.end() ? nullptr : &found->value;
}

} // namespace

void check_gateways(
    const draft& checked, const std::vector<actor_type>& types, std::vector<fault>& found) {
  for (const gateway_plan& gateway : checked.result.gateways) {
    check_overlaps(gateway, found);
    for (const route_plan& route : gateway.routes) {
      const route_subject on{checked, gateway, route, section_of(checked, gateway, route)};
      if (const auto* call = std::get_if<call_route_plan>(&route.does)) {
        check_call(on, *call, types, found);
      } else {
        check_events(on, std::get<events_route_plan>(route.does), types, found);
      }
    }
  }
  check_one_host(checked, found);
}

} // namespace troupe::topology
