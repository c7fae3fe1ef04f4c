#include "nodes/gateway_report.hpp"

#include "nodes/span_export.hpp"
#include "runtime/contains.hpp"

#include <array>

namespace troupe {

namespace {

constexpr std::array<std::string_view, 4> answer_classes{"2xx", "3xx", "4xx", "5xx"};

} // namespace

observe::health
health_of(const gateway::gateway_snapshot& gateway, const std::vector<std::string>& brokers) {
  observe::health said;
  const auto& links = gateway.links;
  if (gateway.is_draining) {
    said.unready = "it is being drained";
  } else if (!contains(links, true)) {
    said.unready = "it is logged in at no broker";
  }
  for (std::size_t i = 0; i < links.size(); ++i) {
    said.checks.push_back({"broker." + brokers[i], links[i] ? "" : "not logged in there"});
  }
  return said;
}

std::string metrics_of(
    const gateway::gateway_snapshot& gateway,
    const std::vector<std::string>& brokers,
    const gateway_features* moving,
    const observe::span_exporter* exporter,
    std::uint64_t spans_untold,
    std::uint64_t tokens_refused,
    observe::metrics_format format) {
  observe::metrics_text text{format};
  text.counter(
      "troupe_gateway_answers",
      "Answers by route and the first digit of their status; without a route: no route took the "
      "request.");
  for (const auto& route : gateway.routes) {
    for (std::size_t i = 0; i < answer_classes.size(); ++i) {
      text.sample(
          {{"route", route.route}, {"status", answer_classes[i]}}, route.answers.by_class[i]);
    }
  }
  text.histogram(
      "troupe_gateway_request_seconds",
      "From a request until its answer, or the beginning of its stream.");
  for (const auto& route : gateway.routes) {
    text.sample({{"route", route.route}}, route.answers.took);
  }
  text.gauge("troupe_gateway_requests_in_flight", "Requests that are not answered yet.");
  for (const auto& route : gateway.routes) {
    text.sample({{"route", route.route}}, route.answers.in_flight);
  }
  text.counter("troupe_gateway_rate_limited", "Requests refused, as their peer had sent too many.");
  text.sample({}, gateway.rate_limited);
  text.counter(
      "troupe_gateway_tokens_refused",
      "Requests refused, as their service token was missing or not accepted.");
  text.sample({}, tokens_refused);
  text.counter(
      "troupe_gateway_gate_refusals",
      "Requests refused before they were read, as malformed or slow.");
  text.sample({}, gateway.connections.gate_refusals);
  text.counter("troupe_gateway_streams", "Streams of events begun.");
  text.sample({}, gateway.connections.streams);
  text.counter("troupe_gateway_slow_readers", "Streams cut, as their peer took nothing.");
  text.sample({}, gateway.connections.slow_readers);
  text.counter("troupe_gateway_read_bytes", "Bytes of requests.");
  text.sample({}, gateway.connections.bytes_read);
  text.counter("troupe_gateway_written_bytes", "Bytes of answers and streams.");
  text.sample({}, gateway.connections.bytes_written);
  text.counter("troupe_gateway_connections", "Connections accepted.");
  text.sample({}, gateway.connections.accepted);
  text.counter("troupe_gateway_connections_ended", "Connections that have ended.");
  text.sample({}, gateway.connections.ended);
  text.counter("troupe_gateway_connections_refused", "Connections refused for their number.");
  text.sample({}, gateway.connections.refused);
  text.gauge("troupe_gateway_calls_under_way", "Calls that are not answered yet.");
  text.sample({}, gateway.calls_under_way);
  text.gauge("troupe_gateway_broker_joined", "1 if the gateway is logged in at the broker.");
  for (std::size_t i = 0; i < brokers.size(); ++i) {
    text.sample({{"broker", brokers[i]}}, gateway.links[i] ? 1 : 0);
  }
  text.gauge("troupe_gateway_draining", "1 while the gateway is being drained.");
  text.sample({}, gateway.is_draining ? 1 : 0);
  if (moving != nullptr) {
    moving->tell(text);
  }
  text.counter(
      "troupe_gateway_spans_untold",
      "Spans that `troupe trace` and the page do not know, as no broker took them.");
  text.sample({}, spans_untold);
  tell_export(text, exporter);
  return text.finish();
}

} // namespace troupe
