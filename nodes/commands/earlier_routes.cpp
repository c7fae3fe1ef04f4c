#include "nodes/commands/earlier_routes.hpp"

#include "runtime/wire/compatibility.hpp"
#include "runtime/wire/events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <utility>
#include <variant>

namespace troupe {

namespace {

using topology::call_route_plan;
using topology::events_route_plan;

constexpr int rejected_usual = 422;

/// A path without the names of its variables, which do not matter to callers.
std::string shape_of(std::string_view path) {
  std::string shape;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(1, end - 1);
    const bool is_rest = segment == "*" || segment.ends_with("*}");
    shape += '/';
    shape += is_rest ? "*" : segment.starts_with('{') ? "{}" : segment;
    path.remove_prefix(end);
  }
  return shape;
}

const topology::route_plan*
route_like(const earlier_route& earlier, const topology::gateway_plan& in) {
  const std::string shape = shape_of(earlier.path);
  const auto found = std::find_if(in.routes.begin(), in.routes.end(), [&](const auto& each) {
    return http::name_of(each.key.method) == earlier.method
           && shape_of(each.key.path.text()) == shape;
  });
  return found == in.routes.end() ? nullptr : &*found;
}

int status_of(const call_route_plan& call, const std::string& reason) {
  const auto own = call.rejected.find(reason);
  return own == call.rejected.end() ? rejected_usual : own->second;
}

/// The description of one operation, under the name `name`; nothing if the operation is unknown.
std::optional<wire::actor_description>
only(const wire::actor_description* of, std::string_view operation, const std::string& name) {
  const auto* const found = of == nullptr ? nullptr : of->find(operation);
  if (found == nullptr) {
    return std::nullopt;
  }
  wire::actor_description made{.actor = of->actor, .operations = {*found}, .types = of->types};
  made.operations.front().name = name;
  return made;
}

/// Compares the routes of one gateway.
class route_comparison {
public:
  route_comparison(
      const topology::plan& plan,
      const std::vector<topology::actor_type>& types,
      const earlier_descriptions& described,
      std::string gateway,
      std::vector<std::string>& found)
      : plan_{plan}, types_{types},
        described_{described}, gateway_{std::move(gateway)}, found_{found} {}

  void compare(const earlier_route& before, const topology::route_plan* now) {
    name_ = fmt::format("{} {}", before.method, before.path);
    if (now == nullptr) {
      return add(fmt::format("the route `{}` is gone", name_));
    }
    if (before.wants_token == false && now->wants_token) {
      add(fmt::format("`{}` wants a service token now", name_));
    }
    const auto* const call = std::get_if<call_route_plan>(&now->does);
    if (before.calls.has_value() != (call != nullptr)) {
      add(fmt::format(
          "`{}` {} now", name_, call == nullptr ? "streams events" : "streams no events"));
    } else if (call != nullptr) {
      compare_calls(before, *call);
    } else {
      compare_events(before, std::get<events_route_plan>(now->does));
    }
  }

private:
  void add(std::string_view what) {
    found_.push_back(fmt::format("gateway {}: {}", gateway_, what));
  }

  void compare_calls(const earlier_route& before, const call_route_plan& now) {
    if (before.wants_key == false && now.wants_key) {
      add(fmt::format("`{}` wants an Idempotency-Key now", name_));
    }
    if (before.status && *before.status != now.status) {
      add(fmt::format(
          "`{}` was answered with {} and is with {}", name_, *before.status, now.status));
    }
    if (before.rejected) {
      compare_rejected(*before.rejected, now);
    }
    const std::string target = fmt::format("{}.{}", now.capability.value, now.operation);
    if (*before.calls != target) {
      compare_targets(*before.calls, now);
    }
  }

  void
  compare_rejected(const std::map<std::string, std::int32_t>& before, const call_route_plan& now) {
    std::set<std::string> reasons;
    for (const auto& [reason, status] : before) {
      reasons.insert(reason);
    }
    for (const auto& [reason, status] : now.rejected) {
      reasons.insert(reason);
    }
    for (const std::string& reason : reasons) {
      const auto known = before.find(reason);
      const int was = known == before.end() ? rejected_usual : known->second;
      if (const int is = status_of(now, reason); was != is) {
        add(fmt::format(
            "`{}` was answered with {} where it is refused for `{}`, and is with {}",
            name_,
            was,
            reason,
            is));
      }
    }
  }

  /// A route may call another operation if that has compatible requests and answers.
  void compare_targets(const std::string& before, const call_route_plan& now) {
    const std::size_t dot = std::min(before.find('.'), before.size());
    const auto* const capability = plan_.find(now.capability);
    const auto* const type =
        capability == nullptr ? nullptr : topology::type_named(capability->actor, types_);
    const auto was = only(
        described_(before.substr(0, dot)), before.substr(std::min(dot + 1, before.size())), name_);
    const auto is = only(type == nullptr ? nullptr : &type->described, now.operation, name_);
    if (!was || !is) {
      return;
    }
    for (const std::string& each : wire::breaking_changes(*was, *is)) {
      add(each);
    }
  }

  void compare_events(const earlier_route& before, const events_route_plan& now) {
    for (const std::string& topic : before.events.value_or(std::vector<std::string>{})) {
      const bool is_told =
          std::any_of(now.patterns.begin(), now.patterns.end(), [&](const std::string& each) {
            return each == topic || wire::matches(each, topic);
          });
      if (!is_told) {
        add(fmt::format("`{}` streams `{}` no more", name_, topic));
      }
    }
  }

  const topology::plan& plan_;
  const std::vector<topology::actor_type>& types_;
  const earlier_descriptions& described_;
  const std::string gateway_;
  std::vector<std::string>& found_;
  /// The route being compared: "GET /api/users/{user_id}".
  std::string name_;
};

} // namespace

std::vector<std::string> broken_routes(
    const std::vector<earlier_gateway>& earlier,
    const earlier_descriptions& described,
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types) {
  std::vector<std::string> found;
  for (const earlier_gateway& before : earlier) {
    const topology::gateway_plan* const now = plan.find_gateway(before.name);
    if (now == nullptr) {
      found.push_back(fmt::format("gateway {}: it is gone", before.name));
      continue;
    }
    route_comparison compared{plan, types, described, before.name, found};
    for (const earlier_route& each : before.routes) {
      compared.compare(each, route_like(each, *now));
    }
  }
  return found;
}

} // namespace troupe
