#include "topology/policies.hpp"

#include "topology/faults.hpp"

#include <array>
#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace troupe::topology {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

void read_option(config_reader& reader, std::string_view key, range<int> within, int& into) {
  into = static_cast<int>(reader.integer(key, within.least, within.most).value_or(into));
}

void read_option(
    config_reader& reader, std::string_view key, range<milliseconds> within, milliseconds& into) {
  into = reader.duration(key, within.least, within.most).value_or(into);
}

void read_option(config_reader& reader, std::string_view key, range<double> within, double& into) {
  into = reader.number(key, within.least, within.most).value_or(into);
}

/// Reads "50ms..5s".
/// @param what follows such a wait, for messages.
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
  const auto within = Options::backoff_range;
  if (*least < within.least || *most > within.most || *least > *most) {
    reader.add_fault(
        "backoff",
        "is `" + *text + "`",
        fmt::format(
            "let it rise from the first to the second, between {} and {}",
            duration_text(within.least),
            duration_text(within.most)));
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
  reader.add_fault(
      "strategy",
      "is `" + *text + "`",
      remedy_for_unknown(*text, names, "write one_for_one, one_for_all or rest_for_one"));
}

void read_supervision(
    const config_tree& section,
    const std::string& owner,
    supervision::options& into,
    std::vector<fault>& found) {
  config_reader reader{section, "supervision of " + owner, found};
  read_strategy(reader, into);
  read_option(reader, "max_restarts", into.max_restarts_range, into.max_restarts);
  read_option(reader, "within", into.within_range, into.within);
  read_backoff(reader, "a restart", into);
  read_option(reader, "shutdown", into.shutdown_range, into.shutdown);
  read_option(reader, "cool_down", into.cool_down_range, into.cool_down);
  reader.finish();
}

void read_window(
    const config_tree& section,
    const std::string& owner,
    supervision::breaker_window& into,
    std::vector<fault>& found) {
  config_reader reader{section, "breaker window of " + owner, found};
  read_option(reader, "span", into.span_range, into.span);
  read_option(reader, "minimum_calls", into.minimum_calls_range, into.minimum_calls);
  read_option(reader, "failure_rate", into.rate_range, into.failure_rate);
  read_option(reader, "slow_call", into.slow_call_range, into.slow_call);
  read_option(reader, "slow_rate", into.rate_range, into.slow_rate);
  reader.finish();
}

void read_breaker(
    const config_tree& section,
    const std::string& owner,
    supervision::breaker_options& into,
    std::vector<fault>& found) {
  config_reader reader{section, "breaker of " + owner, found};
  read_option(reader, "threshold", into.threshold_range, into.threshold);
  read_option(reader, "timeout", into.timeout_range, into.timeout);
  read_option(reader, "probes", into.probes_range, into.probes);
  read_option(reader, "probe_deadline", into.probe_deadline_range, into.probe_deadline);
  const bool has_threshold = section.find("threshold") != nullptr;
  const config_tree* window = reader.tree("window");
  if (window != nullptr && has_threshold) {
    reader.add_fault(
        "window",
        "cannot be used together with `threshold`",
        "keep `threshold` to count failures in a row, or `window` to go by rates");
  }
  // The form chosen in the section replaces the form of the defaults.
  if (window != nullptr) {
    auto options = into.window.value_or(supervision::breaker_window{});
    read_window(*window, owner, options, found);
    into.window = options;
  } else if (has_threshold) {
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
  read_option(reader, "in_flight", into.in_flight_range, into.in_flight);
  read_option(reader, "queue", into.queue_range, into.queue);
  read_option(reader, "events", into.events_range, into.events);
  reader.finish();
}

void read_retry(
    const config_tree& section,
    const std::string& owner,
    supervision::retry_options& into,
    std::vector<fault>& found) {
  config_reader reader{section, "retry of " + owner, found};
  read_option(reader, "attempts", into.attempts_range, into.attempts);
  read_backoff(reader, "another attempt", into);
  reader.finish();
}

void read_effects(
    const config_tree& section,
    const std::string& owner,
    effect_options& into,
    std::vector<fault>& found) {
  config_reader reader{section, "effects of " + owner, found};
  read_option(reader, "threads", into.threads_range, into.threads);
  read_option(reader, "queue", into.queue_range, into.queue);
  read_option(reader, "limit", into.limit_range, into.limit);
  reader.finish();
}

void read_kept(
    config_reader& section,
    const char* key,
    const range<std::chrono::hours>& allowed,
    std::chrono::hours& into) {
  const auto kept = section.duration(key, allowed.least, allowed.most);
  if (!kept) {
    return;
  }
  if (*kept % 1h != 0ms) {
    section.add_fault(key, "is counted in whole hours", "write hours or days, such as 7d");
    return;
  }
  into = std::chrono::duration_cast<std::chrono::hours>(*kept);
}

} // namespace

bool read_policies(
    config_reader& section, const std::string& owner, policies& into, std::vector<fault>& found) {
  if (const config_tree* part = section.tree("supervision")) {
    read_supervision(*part, owner, into.supervision, found);
  }
  if (const config_tree* part = section.tree("breaker")) {
    read_breaker(*part, owner, into.breaker, found);
  }
  const std::size_t faults_before = found.size();
  if (const config_tree* part = section.tree("bulkhead")) {
    read_bulkhead(*part, owner, into.bulkhead, found);
  }
  const bool bulkhead_is_read = found.size() == faults_before;
  if (const config_tree* part = section.tree("effects")) {
    read_effects(*part, owner, into.effects, found);
  }
  if (const config_tree* part = section.tree("retry")) {
    read_retry(*part, owner, into.retry, found);
  }
  read_option(section, "turn_limit", into.turn_limit_range, into.turn_limit);
  read_kept(section, "inbox_kept", into.inbox_kept_range, into.inbox_kept);
  read_kept(section, "sagas_kept", into.sagas_kept_range, into.sagas_kept);
  return bulkhead_is_read;
}

} // namespace troupe::topology
