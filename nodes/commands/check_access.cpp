#include "nodes/commands/check_access.hpp"

#include "runtime/security/key_file.hpp"
#include "topology/access_matrix.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <set>
#include <system_error>

namespace troupe {

namespace {

using wire::json_object;

/// The owners of keys that a topology names.
std::set<std::string> owners_in(const topology::plan& plan) {
  std::set<std::string> names;
  for (const topology::broker_plan& each : plan.brokers) {
    names.insert(each.name);
  }
  for (const topology::node_plan& each : plan.nodes) {
    names.insert(each.name.value);
  }
  for (const topology::gateway_plan& each : plan.gateways) {
    names.insert(each.name);
  }
  for (const topology::access_party& each : topology::access_parties(plan)) {
    if (each.is == topology::access_party::kind::client) {
      names.insert(each.name);
    }
  }
  return names;
}

} // namespace

key_findings find_keys(const topology::plan& plan) {
  key_findings found;
  if (!plan.security) {
    return found;
  }
  const std::set<std::string> named = owners_in(plan);
  std::set<std::string> have;
  std::error_code fault;
  for (std::filesystem::directory_iterator each{plan.security->keys, fault}, end;
       !fault && each != end;
       each.increment(fault)) {
    const std::string owner = each->path().stem().string();
    if (each->path().extension() == ".pub" && security::is_owner_name(owner)) {
      have.insert(owner);
    }
  }
  found.has_folder = !fault;
  std::set_difference(
      have.begin(), have.end(), named.begin(), named.end(), std::back_inserter(found.unnamed));
  std::set_difference(
      named.begin(), named.end(), have.begin(), have.end(), std::back_inserter(found.missing));
  return found;
}

std::string text_of(const topology::plan& plan, const key_findings& found) {
  if (!plan.security) {
    return "";
  }
  const std::string& folder = plan.security->keys;
  if (!found.has_folder) {
    return fmt::format(
        "\nKeys\n  there is no folder {} on this host; `troupe keys new {}` makes it, and the "
        "keys\n",
        folder,
        plan.file);
  }
  std::string text;
  for (const std::string& each : found.unnamed) {
    text += fmt::format(
        "  {} has a key, and no node and no rule has this name: its owner gets in and may do "
        "nothing; add `{}: {{...}}` to `security.allow`, or delete {} and send the brokers a "
        "SIGHUP\n",
        each,
        each,
        security::public_file_of(folder, each));
  }
  for (const std::string& each : found.missing) {
    text += fmt::format(
        "  {} has no key here and cannot log in; `troupe keys new {} --for {}` makes one\n",
        each,
        plan.file,
        each);
  }
  return text.empty() ? "" : "\nKeys\n" + text;
}

json_object json_of(const topology::plan& plan, const key_findings& found) {
  json_object json;
  json.add("folder", plan.security ? plan.security->keys : "")
      .add("has_folder", found.has_folder)
      .add("unnamed", found.unnamed)
      .add("missing", found.missing);
  return json;
}

json_object
rights_json(const topology::plan& plan, const std::vector<topology::actor_type>& types) {
  json_object json;
  json.add("checked", plan.security.has_value());
  if (!plan.security) {
    return json;
  }
  const auto all = topology::access_parties(plan);
  std::vector<json_object> parties;
  for (const topology::access_party& each : all) {
    parties.emplace_back()
        .add("name", each.name)
        .add("is", topology::name_of(each.is))
        .add("nodes", each.nodes)
        .add("call", each.may.call)
        .add("publish", each.may.publish)
        .add("subscribe", each.may.subscribe)
        .add("read", each.may.read);
  }
  std::vector<json_object> operations;
  for (const topology::operation_access& each : topology::access_to_operations(plan, types, all)) {
    operations.emplace_back()
        .add("capability", each.capability)
        .add("operation", each.operation)
        .add("callers", each.callers);
  }
  json.add("parties", parties).add("operations", operations);
  return json;
}

} // namespace troupe
