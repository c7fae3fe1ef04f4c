#include "nodes/gateway_features.hpp"

#include "nodes/connection.hpp"
#include "runtime/strangler/strangler_route.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <variant>

namespace troupe {

namespace {

using namespace std::chrono_literals;

// Longer than the broker holds the follower's questions.
constexpr milliseconds ask_within = 3s;
constexpr milliseconds publish_within = 2s;

bool needs_features(const topology::gateway_plan& self) {
  return !self.otherwise.empty() || std::ranges::any_of(self.routes, [](const auto& route) {
    const auto* const call = std::get_if<topology::call_route_plan>(&route.does);
    return call != nullptr && !call->feature.empty();
  });
}

strangler::journal_question question_to(client::client& calls) {
  return [&calls](std::string_view operation, const std::string& body) {
    return calls.call(
        {.capability = "troupe.events",
         .operation = operation,
         .body = body,
         .deadline = ask_within,
         .retry = false});
  };
}

strangler::comparison_desk::announcer announcer_to(client::client& calls) {
  return [&calls](const wire::answers_differ& what) {
    const std::string body = wire::encoded(what);
    return calls
        .call(
            {.capability = "troupe.publish",
             .operation = wire::difference_topic,
             .body = body,
             .key = what.feature,
             .deadline = publish_within})
        .map([](const std::string&) {});
  };
}

/// "examples/shop/data/g1.flags".
std::string flag_path(const topology::plan& plan, const std::string& gateway) {
  return (std::filesystem::path{plan.folder} / "data" / (gateway + ".flags")).string();
}

} // namespace

outcome<std::unique_ptr<gateway_features>> gateway_features::open(
    const topology::plan& plan,
    const topology::gateway_plan& self,
    std::shared_ptr<const security::key_ring> keys,
    gateway::request_traces& traces,
    observe::event_log& log) {
  if (!needs_features(self)) {
    return std::unique_ptr<gateway_features>{};
  }
  std::vector<std::string> brokers;
  for (const topology::broker_plan& each : plan.brokers) {
    brokers.push_back(each.listen);
  }
  TROUPE_TRY(
      auto calls,
      client::client::open(
          options_for(plan, std::move(brokers), self.name + "-flags", std::move(keys))));
  std::unique_ptr<gateway_features> made{
      new gateway_features{std::move(calls), self.name, plan, traces, log}};
  std::vector<strangler::legacy_system> systems;
  for (const auto& each : made->features_) {
    systems.push_back({each->options().legacy, each->options().how});
  }
  TROUPE_TRY(made->legacy_, strangler::legacy_client::start(std::move(systems), log));
  return made;
}

gateway_features::gateway_features(
    std::unique_ptr<client::client> calls,
    std::string name,
    const topology::plan& plan,
    gateway::request_traces& traces,
    observe::event_log& log)
    : calls_{std::move(calls)}, traces_{traces},
      flags_{question_to(*calls_), flag_path(plan, name), log}, desk_{
                                                                    std::move(name),
                                                                    log,
                                                                    announcer_to(*calls_)} {
  for (const topology::strangler_plan& each : plan.features) {
    features_.push_back(
        std::make_unique<strangler::feature>(each.feature, features_.size(), flags_));
  }
}

gateway_features::~gateway_features() {
  calls_->close(milliseconds{0}); // Ends the questions for which the threads wait.
}

std::unique_ptr<gateway::route_handler> gateway_features::route(
    const std::string& feature,
    const std::string& path,
    const observe::sampling& sampling,
    std::unique_ptr<gateway::route_handler> modern) {
  const auto found = std::ranges::find_if(features_, [&](const auto& each) {
    return each->options().name == feature; // A checked plan has only known features.
  });
  return std::make_unique<strangler::strangler_route>(
      **found,
      *legacy_,
      desk_,
      strangler::route_tracing{traces_, sampling, path},
      std::move(modern));
}

const strangler::feature_counts* gateway_features::counts_of(std::string_view feature) const {
  const auto found = std::ranges::find_if(
      features_, [&](const auto& each) { return each->options().name == feature; });
  return found == features_.end() ? nullptr : &std::as_const(**found).counts();
}

void gateway_features::tell(observe::metrics_text& to) const {
  using counts = strangler::feature_counts;
  const auto add =
      [&](std::string_view label,
          const std::vector<std::pair<std::string_view, std::atomic<std::uint64_t> counts::*>>&
              of) {
        for (const auto& each : features_) {
          for (const auto& [word, member] : of) {
            const std::uint64_t value = each->counts().*member;
            if (label.empty()) {
              to.sample({{"feature", each->options().name}}, value);
            } else {
              to.sample({{"feature", each->options().name}, {label, word}}, value);
            }
          }
        }
      };
  to.counter(
      "troupe_gateway_feature_requests",
      "Requests of a feature by who answers: the legacy system, the capability, or nobody.");
  add("side",
      {{"legacy", &counts::legacy}, {"modern", &counts::modern}, {"none", &counts::refused}});
  to.counter(
      "troupe_gateway_legacy_failures", "Requests to a legacy system that it has not answered.");
  add("", {{"", &counts::legacy_failed}});
  to.counter(
      "troupe_gateway_comparisons",
      "Requests sent to both sides, by what their answers were to each other.");
  add("result",
      {{"same", &counts::same},
       {"different", &counts::different},
       {"none", &counts::not_compared}});
  to.gauge(
      "troupe_gateway_feature_share",
      "The share of users whom the capability answers, in hundredths of a percent: 0 to 10000; "
      "absent while nobody knows it.");
  for (const auto& each : features_) {
    if (const auto share = each->share()) {
      to.sample({{"feature", each->options().name}}, *share);
    }
  }
}

} // namespace troupe
