#include "runtime/security/rules.hpp"

#include "runtime/wire/error_map.hpp"
#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::security {

namespace {

constexpr std::string_view own_prefix = "troupe.";
constexpr std::string_view section = "`security: {allow: ...}` of the topology";

/// "of `users`", "of one of `users`, `orders`".
std::string whose(const std::vector<std::string>& rules) {
  return fmt::format("{}`{}`", rules.size() == 1 ? "of " : "of one of ", fmt::join(rules, "`, `"));
}

} // namespace

rules::rules(const std::vector<holder>& holders, const std::vector<holder>& capabilities) {
  rows_.emplace_back(); // The row for names without a rule.
  for (const holder& each : holders) {
    add(each);
  }
  for (const holder& each : capabilities) {
    capability_named_.emplace(each.name, static_cast<std::uint32_t>(capabilities_.size()));
    capabilities_.push_back(each.may);
  }
}

void rules::add(const holder& from) {
  row_named_.emplace(from.name, static_cast<std::uint32_t>(rows_.size()));
  entry& made = rows_.emplace_back();
  made.name = from.name;
  made.may = from.may;
  made.rules = from.rules;
  for (const std::string& each : from.may.call) {
    add_call(made, each);
  }
}

void rules::add_call(entry& to, const std::string& right) {
  if (right == "*") {
    to.calls_all = true;
    return;
  }
  const std::size_t dot = right.find('.');
  const std::string operation = dot == std::string::npos ? "" : right.substr(dot + 1);
  if (operation.empty() || right.starts_with(own_prefix)) {
    return; // Rights to Troupe's own operations are rarely checked, and compared as text.
  }
  const std::uint32_t bit = bit_of(right.substr(0, dot), operation);
  to.calls.resize(std::max<std::size_t>(to.calls.size(), bit / 64 + 1));
  to.calls[bit / 64] |= std::uint64_t{1} << (bit % 64);
}

/// The number of an operation, or of all operations of a capability (`*`).
std::uint32_t rules::bit_of(const std::string& capability, std::string_view operation) {
  const auto [found, is_new] =
      callee_named_.emplace(capability, static_cast<std::uint32_t>(callees_.size()));
  if (is_new) {
    callees_.push_back({.all = bits_++, .singles = {}});
  }
  callee& named = callees_[found->second];
  if (operation == "*") {
    return named.all;
  }
  const auto [single, is_first] = named.singles.emplace(std::string{operation}, bits_);
  bits_ += is_first ? 1U : 0U;
  return single->second;
}

rules::row rules::row_of(std::string_view name) const {
  const auto found = row_named_.find(name.empty() ? anonymous : name);
  return found == row_named_.end() ? stranger : row{found->second};
}

bool rules::may_call(row who, std::string_view capability, std::string_view operation) const {
  const entry& of = rows_[index(who)];
  if (capability.starts_with(own_prefix)) {
    return of.may.may_call(capability, operation);
  }
  if (of.calls_all) {
    return true;
  }
  const auto found = callee_named_.find(capability);
  if (found == callee_named_.end()) {
    return false;
  }
  const callee& named = callees_[found->second];
  if (of.has(named.all)) {
    return true;
  }
  const auto single = named.singles.find(operation);
  return single != named.singles.end() && of.has(single->second);
}

bool rules::may_relay(std::string_view capability, std::string_view topic) const {
  const auto found = capability_named_.find(capability);
  return found != capability_named_.end() && capabilities_[found->second].may_publish(topic);
}

std::string rules::rule_of(row who, std::string_view name, act what) const {
  const std::string key = fmt::format(".{}", security::name_of(what));
  const std::vector<std::string>& under = rows_[index(who)].rules;
  if (under.empty()) {
    return wire::travelling(name.empty() ? anonymous : name, wire::name_bytes_max) + key;
  }
  return fmt::format("{}{}", fmt::join(under, key + " or "), key);
}

error rules::refusal(row who, std::string_view name, act what, std::string_view target) const {
  const entry& of = rows_[index(who)];
  // A peer may have invented the name, so its length is limited.
  const std::string named = wire::travelling(target, 2 * wire::name_bytes_max);
  const std::string does{security::name_of(what)};
  if (name.empty()) {
    return {
        .code = errc::unauthenticated,
        .message = fmt::format(
            "whoever has no key may not {} `{}`: connect with a key, or add `{}` to `{}` of `{}` "
            "under {}",
            does,
            named,
            named,
            does,
            anonymous,
            section),
        .details = {{"reason", "no_key"}}};
  }
  const std::string shown = wire::travelling(name, wire::name_bytes_max);
  const std::string remedy =
      who == stranger ? fmt::format(
          "no rule is about it; add `{}: {{{}: [{}]}}` under {}", shown, does, named, section)
      : of.rules.empty()
          ? fmt::format("it runs no capability whose rule could say so")
          : fmt::format("add `{}` to `{}` {} under {}", named, does, whose(of.rules), section);
  return {
      .code = errc::forbidden,
      .message = fmt::format("`{}` may not {} `{}`: {}", shown, does, named, remedy),
      .details = {{"reason", "no_right"}}};
}

} // namespace troupe::security
