#include "nodes/span_export.hpp"

#include "runtime/observe/span_names.hpp"
#include "runtime/random_bits.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace troupe {

observe::sampling sampling_of(const topology::plan& plan, std::string_view capability) {
  return observe::sampling{plan.traces.sample, plan.traces.is_always(capability)};
}

std::unique_ptr<observe::span_exporter> export_spans(
    const topology::plan& plan,
    const std::string& node,
    const observe::span_rings& spans,
    const clock& time,
    observe::event_log& log) {
  if (plan.traces.otlp.empty()) {
    return nullptr;
  }
  namespace names = observe::names;
  return std::make_unique<observe::span_exporter>(
      spans,
      observe::export_options{
          .address = plan.traces.otlp,
          .resource =
              {{std::string{names::service_name}, node},
               {std::string{names::service_namespace}, plan.name},
               {std::string{names::service_instance},
                fmt::format("{:016x}{:016x}", random_bits(), random_bits())},
               {std::string{names::process_id}, fmt::to_string(::getpid())}}},
      time,
      log);
}

void tell_export(observe::metrics_text& text, const observe::span_exporter* exporter) {
  if (exporter == nullptr) {
    return;
  }
  text.counter("troupe_spans_sent", "Spans that the collector has taken.");
  text.sample({}, exporter->counted().sent.load());
  text.counter(
      "troupe_spans_lost",
      "Spans that were overwritten before they could be sent, or that the collector refused.");
  text.sample({}, exporter->counted().lost.load());
}

} // namespace troupe
