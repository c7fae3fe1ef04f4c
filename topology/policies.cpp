#include "topology/policies.hpp"

#include <array>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <utility>

namespace troupe::topology {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

template <class To, class From>
void overwrite(To& to, const std::optional<From>& from) {
  if (from) {
    to = static_cast<To>(*from);
  }
}

/// "50ms..5s"; `what` comes after such a wait.
template <class Options>
void read_backoff(config_reader& reader, std::string_view what, Options& into) {
  const std::string example = fmt::format(
      "write the shortest and the longest wait before {}, such as {}..{}",
      what,
      duration_text(Options{}.backoff_min),
      duration_text(Options{}.backoff_max));
  const auto text = reader.text("backoff");
  if (!text) {
    return;
  }
  const std::size_t dots = text->find("..");
  if (dots == std::string::npos) {
    reader.add_fault("backoff", "is `" + *text + "`", example);
    return;
  }
  const auto least = parse_duration(text->substr(0, dots));
  const auto most = parse_duration(text->substr(dots + 2));
  if (!least || !most) {
    reader.add_fault(
        "backoff",
        "is `" + *text + "`",
        example + ", each a whole number with a unit (ms, s, m, h)");
    return;
  }
  if (*least < 1ms || *most > 1h || *least > *most) {
    reader.add_fault(
        "backoff",
        "is `" + *text + "`",
        "let it rise from the first to the second, between 1ms and 1h");
    return;
  }
  into.backoff_min = *least;
  into.backoff_max = *most;
}

void read_strategy(config_reader& reader, supervision::options& into) {
  using supervision::strategy;
  constexpr std::array strategies{
      std::pair{std::string_view{"one_for_one"}, strategy::one_for_one},
      std::pair{std::string_view{"one_for_all"}, strategy::one_for_all},
      std::pair{std::string_view{"rest_for_one"}, strategy::rest_for_one},
  };
  const auto text = reader.text("strategy");
  if (!text) {
    return;
  }
  std::vector<std::string> names;
  for (const auto& [name, value] : strategies) {
    if (*text == name) {
      into.on_failure = value;
      return;
    }
    names.emplace_back(name);
  }
  const std::string suggestion = did_you_mean(*text, names);
  reader.add_fault(
      "strategy",
      "is `" + *text + "`",
      suggestion.empty() ? "write one_for_one, one_for_all or rest_for_one" : suggestion.substr(2));
}

void read_supervision(
    const config_tree& section,
    const std::string& owner,
    supervision::options& into,
    std::vector<fault>& found) {
  config_reader reader{section, "supervision of " + owner, found};
  read_strategy(reader, into);
  overwrite(into.max_restarts, reader.integer("max_restarts", 0, 1'000));
  overwrite(into.within, reader.duration("within", 1ms, 24h));
  read_backoff(reader, "a restart", into);
  overwrite(into.shutdown, reader.duration("shutdown", 1ms, 10min));
  overwrite(into.cool_down, reader.duration("cool_down", 1ms, 24h));
  reader.finish();
}

void read_window(
    const config_tree& section,
    const std::string& owner,
    supervision::breaker_window& into,
    std::vector<fault>& found) {
  // A rate of nothing would open the breaker on success.
  constexpr double least_rate = 0.0001;
  config_reader reader{section, "breaker window of " + owner, found};
  overwrite(into.span, reader.duration("span", 1s, 1h));
  overwrite(into.minimum_calls, reader.integer("minimum_calls", 1, 1'000'000));
  overwrite(into.failure_rate, reader.number("failure_rate", least_rate, 1));
  overwrite(into.slow_call, reader.duration("slow_call", 1ms, 1h));
  overwrite(into.slow_rate, reader.number("slow_rate", least_rate, 1));
  reader.finish();
}

void read_breaker(
    const config_tree& section,
    const std::string& owner,
    supervision::breaker_options& into,
    std::vector<fault>& found) {
  config_reader reader{section, "breaker of " + owner, found};
  const auto threshold = reader.integer("threshold", 1, 1'000'000);
  overwrite(into.threshold, threshold);
  overwrite(into.timeout, reader.duration("timeout", 1ms, 24h));
  overwrite(into.probes, reader.integer("probes", 1, 10'000));
  overwrite(into.probe_deadline, reader.duration("probe_deadline", 1ms, 1h));
  const config_tree* window = reader.tree("window");
  if (window != nullptr && section.find("threshold") != nullptr) {
    reader.add_fault(
        "window",
        "stands beside `threshold`",
        "keep `threshold` to count failures in a row, or `window` to go by rates");
  }
  // The form the section chooses replaces the one of the defaults.
  if (window != nullptr) {
    auto options = into.window.value_or(supervision::breaker_window{});
    read_window(*window, owner, options, found);
    into.window = options;
  } else if (threshold) {
    into.window.reset();
  }
  reader.finish();
}

void read_bulkhead(
    const config_tree& section,
    const std::string& owner,
    supervision::bulkhead_options& into,
    std::vector<fault>& found) {
  config_reader reader{section, "bulkhead of " + owner, found};
  overwrite(into.in_flight, reader.integer("in_flight", 1, 65'536));
  overwrite(into.queue, reader.integer("queue", 0, 1'000'000));
  overwrite(into.events, reader.integer("events", 1, 65'536));
  reader.finish();
}

void read_retry(
    const config_tree& section,
    const std::string& owner,
    supervision::retry_options& into,
    std::vector<fault>& found) {
  config_reader reader{section, "retry of " + owner, found};
  overwrite(into.attempts, reader.integer("attempts", 1, 1'000));
  read_backoff(reader, "another attempt", into);
  reader.finish();
}

void read_effects(
    const config_tree& section,
    const std::string& owner,
    effect_options& into,
    std::vector<fault>& found) {
  config_reader reader{section, "effects of " + owner, found};
  overwrite(into.threads, reader.integer("threads", 1, 256));
  overwrite(into.queue, reader.integer("queue", 1, 1'000'000));
  reader.finish();
}

void read_inbox_kept(config_reader& section, policies& into) {
  const auto kept = section.duration("inbox_kept", 1h, 90 * 24h);
  if (!kept) {
    return;
  }
  if (*kept % 1h != 0ms) {
    section.add_fault("inbox_kept", "is counted in whole hours", "write hours or days, such as 7d");
    return;
  }
  into.inbox_kept = std::chrono::duration_cast<std::chrono::hours>(*kept);
}

} // namespace

void read_policies(
    config_reader& section, const std::string& owner, policies& into, std::vector<fault>& found) {
  if (const config_tree* part = section.tree("supervision")) {
    read_supervision(*part, owner, into.supervision, found);
  }
  if (const config_tree* part = section.tree("breaker")) {
    read_breaker(*part, owner, into.breaker, found);
  }
  if (const config_tree* part = section.tree("bulkhead")) {
    const std::size_t faults_before = found.size();
    read_bulkhead(*part, owner, into.bulkhead, found);
    into.bulkhead_is_read = into.bulkhead_is_read && found.size() == faults_before;
  }
  if (const config_tree* part = section.tree("effects")) {
    read_effects(*part, owner, into.effects, found);
  }
  if (const config_tree* part = section.tree("retry")) {
    read_retry(*part, owner, into.retry, found);
  }
  overwrite(into.turn_limit, section.duration("turn_limit", 100ms, 10min));
  read_inbox_kept(section, into);
}

} // namespace troupe::topology
