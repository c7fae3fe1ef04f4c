#include "runtime/observe/metrics_text.hpp"

#include "runtime/observe/accepted.hpp"

#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <limits>

namespace troupe::observe {

namespace {

/// @source OpenMetrics 1.0, "Escaping".
std::string escaped(std::string_view value) {
  std::string text;
  for (const char each : value) {
    if (each == '\n') {
      text += "\\n";
      continue;
    }
    if (each == '\\' || each == '"') {
      text += '\\';
    }
    text += each;
  }
  return text;
}

double in_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>{time}.count();
}

} // namespace

std::string_view content_type_of(metrics_format format) {
  return format == metrics_format::openmetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

metrics_format format_for(std::string_view accept) {
  const int weight = weight_of(accept, "application/openmetrics-text");
  return weight > 0 && weight >= weight_of(accept, "text/plain") ? metrics_format::openmetrics
                                                                 : metrics_format::prometheus;
}

void metrics_text::begin(
    std::string_view name, std::string_view type, std::string_view help, bool is_counter) {
  name_ = fmt::format("{}{}", name, is_counter ? "_total" : "");
  const std::string_view family = format_ == metrics_format::openmetrics ? name : name_;
  fmt::format_to(
      std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", family, help, family, type);
}

void metrics_text::counter(std::string_view name, std::string_view help) {
  begin(name, "counter", help, true);
}

void metrics_text::gauge(std::string_view name, std::string_view help) {
  begin(name, "gauge", help, false);
}

void metrics_text::histogram(std::string_view name, std::string_view help) {
  begin(name, "histogram", help, false);
}

void metrics_text::sample(labels labelled, std::uint64_t value) {
  line("", labelled, std::nullopt, value);
}

void metrics_text::sample(labels labelled, std::chrono::nanoseconds value) {
  line("", labelled, std::nullopt, in_seconds(value));
}

void metrics_text::sample(labels labelled, const observe::histogram& value) {
  std::uint64_t up_to = 0;
  for (std::size_t i = 0; i < histogram::bounds; ++i) {
    up_to += value.in(i);
    line("_bucket", labelled, in_seconds(histogram::bound(i)), up_to);
  }
  up_to += value.in(histogram::bounds);
  line("_bucket", labelled, std::numeric_limits<double>::infinity(), up_to);
  line("_sum", labelled, std::nullopt, in_seconds(value.sum()));
  line("_count", labelled, std::nullopt, up_to);
}

/// @param bound of a histogram's bucket.
template <class Value>
void metrics_text::line(
    std::string_view suffix, labels labelled, std::optional<double> bound, const Value& value) {
  fmt::format_to(std::back_inserter(text_), "{}{}", name_, suffix);
  char before = '{';
  for (const auto& [label, said] : labelled) {
    fmt::format_to(std::back_inserter(text_), "{}{}=\"{}\"", before, label, escaped(said));
    before = ',';
  }
  if (bound) {
    fmt::format_to(
        std::back_inserter(text_),
        "{}le=\"{}\"",
        before,
        std::isinf(*bound) ? "+Inf" : fmt::to_string(*bound));
    before = ',';
  }
  fmt::format_to(std::back_inserter(text_), "{} {}\n", before == ',' ? "}" : "", value);
}

std::string metrics_text::finish() {
  if (format_ == metrics_format::openmetrics) {
    text_ += "# EOF\n";
  }
  return std::move(text_);
}

} // namespace troupe::observe
