#include "runtime/broker/calls/directory.hpp"

#include <algorithm>
#include <span>

namespace troupe::broker {

namespace {

constexpr milliseconds rate_window{250};
constexpr milliseconds wait_min{10};
constexpr milliseconds wait_max{5'000};
// The wait as long as nothing was answered and the rate is not known.
constexpr milliseconds wait_unknown{100};

} // namespace

void drain_rate::note(instant now) {
  ++count_;
  const auto span = now - since_;
  if (span >= rate_window) {
    per_ms_ = count_ / std::chrono::duration<double, std::milli>{span}.count();
    count_ = 0;
    since_ = now;
  }
}

milliseconds drain_rate::time_for(std::uint32_t count) const {
  if (per_ms_ <= 0) {
    return wait_unknown;
  }
  const double wait = std::min(count / per_ms_, static_cast<double>(wait_max.count()));
  return std::clamp(milliseconds{static_cast<std::int64_t>(wait)}, wait_min, wait_max);
}

directory::directory(const router_options& options) {
  for (const capability_options& each : options.capabilities) {
    capability_named_.emplace(each.name.value, static_cast<std::uint32_t>(capabilities.size()));
    capability& made = capabilities.emplace_back();
    made.name = each.name.value;
    made.queue_max = each.queue_max;
    made.sampling = each.sampling;
  }
  for (const node_name& each : options.nodes) {
    const auto number = static_cast<std::uint32_t>(nodes.size());
    node_named_.emplace(each.value, number);
    node& made = nodes.emplace_back();
    made.name = each.value;
    made.digest = digest_of(std::as_bytes(std::span{each.value}));
    capability& own = capabilities.emplace_back();
    own.name = "troupe.node." + each.value;
    own.queue_max = options.node_credit;
    capability_named_.emplace(own.name, static_cast<std::uint32_t>(capabilities.size() - 1));
  }
  for (std::size_t i = 0; i < options.capabilities.size(); ++i) {
    for (const node_name& each : options.capabilities[i].nodes) {
      capabilities[i].is_placed_at.resize(nodes.size());
      capabilities[i].is_placed_at.at(find_node(each.value)) = true;
    }
  }
}

std::uint32_t directory::find_capability(std::string_view name) const {
  const auto found = capability_named_.find(name);
  return found == capability_named_.end() ? nowhere : found->second;
}

std::uint32_t directory::find_node(std::string_view name) const {
  const auto found = node_named_.find(name);
  return found == node_named_.end() ? nowhere : found->second;
}

std::uint32_t directory::node_of(login_id login) const {
  const auto at = static_cast<std::size_t>(login);
  return at < node_of_login_.size() ? node_of_login_[at] : nowhere;
}

void directory::bind(login_id login, std::uint32_t number) {
  const auto at = static_cast<std::size_t>(login);
  if (at >= node_of_login_.size()) {
    node_of_login_.resize(at + 1, nowhere);
  }
  node_of_login_[at] = number;
}

void directory::unbind(login_id login) {
  const auto at = static_cast<std::size_t>(login);
  if (at < node_of_login_.size()) {
    node_of_login_[at] = nowhere;
  }
}

bool directory::is_placed(std::uint32_t where, std::uint32_t number) const {
  const std::vector<bool>& at = capabilities[where].is_placed_at;
  return at.empty() || at[number];
}

std::uint32_t directory::placement_of(std::uint32_t where, std::uint32_t number) {
  std::vector<placement>& placements = capabilities[where].placements;
  const auto found = std::ranges::find(placements, number, &placement::node);
  if (found != placements.end()) {
    return static_cast<std::uint32_t>(found - placements.begin());
  }
  const auto made = static_cast<std::uint32_t>(placements.size());
  placements.emplace_back().node = number;
  nodes[number].placements.push_back({where, made});
  return made;
}

bool directory::serves(std::uint32_t node, std::uint32_t where) const {
  const std::vector<placement>& placements = capabilities[where].placements;
  return std::ranges::any_of(
      placements, [&](const placement& each) { return each.node == node && each.is_served; });
}

void directory::bring(const uuid& call, const brought_call& held) {
  if (brought_.size() < brought_max) {
    brought_.insert_or_assign(call, held);
  }
}

const brought_call* directory::find_brought(const uuid& call) const {
  if (brought_.empty()) {
    return nullptr;
  }
  const auto found = brought_.find(call);
  return found == brought_.end() ? nullptr : &found->second;
}

void directory::end_brought(const uuid& call, std::uint32_t node) {
  if (const brought_call* held = find_brought(call); held != nullptr && held->node == node) {
    brought_.erase(call);
  }
}

void directory::forget_brought(std::uint32_t node) {
  std::erase_if(brought_, [&](const auto& each) { return each.second.node == node; });
}

bool directory::has_brought(std::uint32_t node) const {
  return std::ranges::any_of(brought_, [&](const auto& each) { return each.second.node == node; });
}

void directory::note_times(instant now) {
  if (times_noted_ != instant{} && now - times_noted_ < observe::recent_times::interval) {
    return;
  }
  times_noted_ = now;
  for (capability& each : capabilities) {
    each.recent.note(each.times.ended(), now);
  }
}

wire::roster directory::roster() const {
  wire::roster all;
  for (const node& each : nodes) {
    if (each.live) {
      all.workers.push_back({each.name, each.incarnation});
    }
  }
  return all;
}

std::vector<std::string> directory::names() const {
  std::vector<std::string> all;
  all.reserve(capabilities.size());
  for (const capability& each : capabilities) {
    all.push_back(each.name);
  }
  return all;
}

} // namespace troupe::broker
