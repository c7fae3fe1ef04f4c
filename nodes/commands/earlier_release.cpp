#include "nodes/commands/earlier_release.hpp"

#include "nodes/commands/earlier_routes.hpp"
#include "runtime/text_file.hpp"
#include "runtime/wire/compatibility.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <utility>

namespace troupe {

/// A capability in the answer of `troupe check --json`.
struct earlier_capability {
  std::string name;
  std::optional<wire::actor_description> described{};
};

TROUPE_MESSAGE(earlier_capability, name, described)

struct earlier_release {
  std::vector<earlier_capability> capabilities;
  std::optional<std::vector<earlier_gateway>> gateways{};
};

TROUPE_MESSAGE(earlier_release, capabilities, gateways)

namespace {

constexpr std::size_t answer_bytes_max = 64U << 20U;

outcome<earlier_release> read(const std::string& file) {
  const auto text = read_text_file(file, answer_bytes_max);
  if (!text) {
    return failure{
        invalid(fmt::format("{} cannot be read: {}; check the path", file, text.error().message))};
  }
  if (text->size() > answer_bytes_max) {
    return failure{invalid(fmt::format("{} is too large for an answer of `troupe check`", file))};
  }
  auto release = wire::from_json(*text).and_then(wire::checked_decode<earlier_release>);
  if (!release) {
    return failure{invalid(fmt::format(
        "{} is not what `troupe check FILE --json` says: {}; keep its answer with each release",
        file,
        release.error().message))};
  }
  return release;
}

} // namespace

outcome<std::vector<std::string>> broken_since(
    const std::string& file,
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types) {
  TROUPE_TRY(const auto release, read(file));
  std::vector<std::string> found;
  for (const earlier_capability& each : release.capabilities) {
    const auto* const now = plan.find(capability_name{each.name});
    const auto* const type = now == nullptr ? nullptr : topology::type_named(now->actor, types);
    if (type == nullptr) {
      found.push_back(fmt::format("{}: the capability is gone", each.name));
    } else if (!each.described) {
      return failure{invalid(fmt::format(
          "{} does not describe `{}`: it was made by a release before descriptions",
          file,
          each.name))};
    } else {
      for (const std::string& change : wire::breaking_changes(*each.described, type->described)) {
        found.push_back(fmt::format("{}: {}", each.name, change));
      }
    }
  }
  const auto described = [&](std::string_view name) -> const wire::actor_description* {
    const auto& all = release.capabilities;
    const auto one = std::ranges::find_if(all, [&](const auto& each) { return each.name == name; });
    return one == all.end() || !one->described ? nullptr : &*one->described;
  };
  for (std::string& change : broken_routes(
           release.gateways.value_or(std::vector<earlier_gateway>{}), described, plan, types)) {
    found.push_back(std::move(change));
  }
  return found;
}

} // namespace troupe
