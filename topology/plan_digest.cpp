#include "topology/plan_digest.hpp"

#include "runtime/bytes.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace troupe::topology {

namespace {

/// Text in which each value follows its name, and each text its length, so that different plans
/// give different texts.
class plan_text {
public:
  plan_text& add(std::string_view key, std::string_view text) {
    fmt::format_to(std::back_inserter(text_), "{}={}:{};", key, text.size(), text);
    return *this;
  }

  plan_text& add(std::string_view key, std::int64_t number) {
    fmt::format_to(std::back_inserter(text_), "{}={};", key, number);
    return *this;
  }

  plan_text& add(std::string_view key, double number) {
    fmt::format_to(std::back_inserter(text_), "{}={};", key, number);
    return *this;
  }

  template <class Rep, class Period>
  plan_text& add(std::string_view key, std::chrono::duration<Rep, Period> span) {
    return add(
        key,
        static_cast<std::int64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(span).count()));
  }

  void add(std::string_view key, const config_tree& tree);

  std::uint64_t digest() const { return digest_of(std::as_bytes(std::span{text_})); }

private:
  std::string text_;
};

void plan_text::add(std::string_view key, const config_tree& tree) {
  switch (tree.is) {
  case config_tree::kind::null:
    break;
  case config_tree::kind::scalar:
    add(key, std::string_view{tree.text});
    break;
  case config_tree::kind::list:
    add(key, static_cast<std::int64_t>(tree.items.size()));
    for (const config_tree& each : tree.items) {
      add("item", each);
    }
    break;
  case config_tree::kind::map: {
    if (tree.entries.empty()) {
      break; // An empty map counts as absent.
    }
    std::vector<const config_tree::entry*> entries;
    for (const config_tree::entry& each : tree.entries) {
      entries.push_back(&each);
    }
    std::ranges::sort(
        entries, [](const auto* one, const auto* other) { return one->key < other->key; });
    add(key, std::string_view{"{"});
    for (const auto* each : entries) {
      add(each->key, each->value);
    }
    add(key, std::string_view{"}"});
    break;
  }
  }
}

/// The elements sorted by their names, which are unique.
template <class Element, class NameOf>
std::vector<const Element*> by_name(const std::vector<Element>& all, const NameOf& name_of) {
  std::vector<const Element*> sorted;
  for (const Element& each : all) {
    sorted.push_back(&each);
  }
  std::ranges::sort(sorted, [&](const Element* one, const Element* other) {
    return name_of(*one) < name_of(*other);
  });
  return sorted;
}

std::filesystem::path whole(const std::filesystem::path& path) {
  std::error_code failed;
  const auto made = std::filesystem::absolute(path, failed);
  return (failed ? path : made).lexically_normal();
}

/// A store relative to the folder of the file, if it is inside: one file is one plan, whichever
/// path it and its folder are named by.
std::string from_folder(const std::string& store, const std::string& folder) {
  if (is_on_server(store) || store == "none") {
    return store;
  }
  const auto path = whole(path_in(store));
  const auto inner = path.lexically_relative(whole(folder.empty() ? "." : folder));
  const bool is_inside = !inner.empty() && *inner.begin() != "..";
  return store.substr(0, store.find(':') + 1) + (is_inside ? inner : path).string();
}

void add_policies(plan_text& to, const policies& of) {
  to.add("on_failure", static_cast<std::int64_t>(of.supervision.on_failure))
      .add("max_restarts", std::int64_t{of.supervision.max_restarts})
      .add("within", of.supervision.within)
      .add("backoff_min", of.supervision.backoff_min)
      .add("backoff_max", of.supervision.backoff_max)
      .add("shutdown", of.supervision.shutdown)
      .add("cool_down", of.supervision.cool_down)
      .add("threshold", std::int64_t{of.breaker.threshold})
      .add("timeout", of.breaker.timeout)
      .add("probes", std::int64_t{of.breaker.probes})
      .add("probe_deadline", of.breaker.probe_deadline);
  if (const auto& window = of.breaker.window) {
    to.add("span", window->span)
        .add("minimum_calls", std::int64_t{window->minimum_calls})
        .add("failure_rate", window->failure_rate)
        .add("slow_call", window->slow_call)
        .add("slow_rate", window->slow_rate);
  }
  to.add("in_flight", std::int64_t{of.bulkhead.in_flight})
      .add("queue", std::int64_t{of.bulkhead.queue})
      .add("events", std::int64_t{of.bulkhead.events})
      .add("effect_threads", std::int64_t{of.effects.threads})
      .add("effect_queue", std::int64_t{of.effects.queue})
      .add("effect_limit", of.effects.limit)
      .add("attempts", std::int64_t{of.retry.attempts})
      .add("retry_min", of.retry.backoff_min)
      .add("retry_max", of.retry.backoff_max)
      .add("turn_limit", of.turn_limit)
      .add("inbox_kept", of.inbox_kept)
      .add("sagas_kept", of.sagas_kept);
}

void add_capability(plan_text& to, const capability_plan& of, const std::string& folder) {
  to.add("capability", std::string_view{of.name.value})
      .add("actor", std::string_view{of.actor})
      .add("replicas", std::int64_t{of.replicas})
      .add("store", std::string_view{from_folder(of.store.value_or("none"), folder)})
      .add("from", static_cast<std::int64_t>(of.subscribe_from.from))
      .add("from_time", of.subscribe_from.time.time_since_epoch());
  for (const node_name& each : of.nodes) {
    to.add("on", std::string_view{each.value}); // The order decides which node runs which replicas.
  }
  std::vector<std::string> patterns = of.subscribes;
  std::ranges::sort(patterns);
  for (const std::string& each : patterns) {
    to.add("subscribes", std::string_view{each});
  }
  add_policies(to, of);
  to.add("config", of.config);
}

} // namespace

std::uint64_t digest_of_plan(const plan& of) {
  plan_text text;
  text.add("name", std::string_view{of.name})
      .add("interval", of.heartbeat.interval)
      .add("silence", of.heartbeat.timeout)
      .add("body", static_cast<std::int64_t>(of.body_bytes_max))
      .add("journal_broker", std::string_view{of.events.broker});
  if (of.events.is_shared()) {
    text.add("journal", std::string_view{of.events.journal});
  }
  for (const auto* each : by_name(of.brokers, [](const auto& one) { return one.name; })) {
    text.add("broker", std::string_view{each->name}).add("listen", std::string_view{each->listen});
  }
  for (const auto* each : by_name(of.nodes, [](const auto& one) { return one.name.value; })) {
    text.add("node", std::string_view{each->name.value});
  }
  for (const auto* each :
       by_name(of.capabilities, [](const auto& one) { return one.name.value; })) {
    add_capability(text, *each, of.folder);
  }
  return text.digest();
}

} // namespace troupe::topology
