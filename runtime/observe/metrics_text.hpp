#pragma once

#include "runtime/observe/histogram.hpp"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::observe {

/// The format of metrics, chosen by what the client accepts.
enum class metrics_format : std::uint8_t {
  /// Prometheus's text format 0.0.4.
  prometheus,
  /// OpenMetrics 1.0, in which the name of a counter's family lacks `_total`, and the text ends
  /// with
  /// `# EOF`.
  openmetrics,
};

std::string_view content_type_of(metrics_format format);

/// The better format that an Accept field names.
metrics_format format_for(std::string_view accept);

/// Metrics as text, family by family.
///
/// Labels name what the topology names (capability, node, broker) or a program declares
/// (operation), so that there are as many series as these have entries; never a topic, an id or a
/// client, whose number has no bound.
class metrics_text {
public:
  using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit metrics_text(metrics_format format) : format_{format} {}

  /// Begins the family of a number that only rises while the process lives.
  /// @param name without `_total`.
  void counter(std::string_view name, std::string_view help);
  void gauge(std::string_view name, std::string_view help);
  /// Begins the family of a distribution of times, in seconds.
  void histogram(std::string_view name, std::string_view help);

  /// A sample of the family begun last.
  void sample(labels labelled, std::uint64_t value);
  /// Adds a sample of a time, in seconds.
  void sample(labels labelled, std::chrono::nanoseconds value);
  /// All buckets, their count and their sum.
  void sample(labels labelled, const observe::histogram& value);

  /// All of it. Once.
  std::string finish();

private:
  void begin(std::string_view name, std::string_view type, std::string_view help, bool is_counter);
  template <class Value>
  void
  line(std::string_view suffix, labels labelled, std::optional<double> bound, const Value& value);

  metrics_format format_;
  std::string name_;
  std::string text_;
};

} // namespace troupe::observe
