#pragma once

#include "runtime/clock.hpp"
#include "runtime/error.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::shop {

/// The notes of a client for whoever checks the books later: one JSON object for each call made,
/// and one for each that ended.
///
///     {"t_mono_us", "call_id", "order_id", "op", "phase": "invoke", "line"}
///     {..., "phase": "return", "outcome": "ok" | "fail" | "unknown", "code", "reason",
///      "total_cents"}
///
/// `fail` says that nothing happened; `reason` is there if that is the last word on the order, and
/// not that of one call which found nobody. Times are of CLOCK_MONOTONIC. A call is in the file
/// before it is sent (`flush`), so that nothing can come of a call which the log does not know.
class order_log {
public:
  /// Begins `path` again; a log without a path keeps nothing.
  /// @errors `unavailable`: the file cannot be written.
  static outcome<order_log> open(const std::string& path);

  void asked(const uuid& id, std::uint64_t line, instant now);
  void placed(const uuid& id, const uuid& order, std::int64_t total_cents, instant now);
  /// @param reason empty if the order is asked for again.
  void failed(const uuid& id, const error& why, std::string_view reason, instant now);

  /// Hands what was noted to the operating system. False if it could not take it.
  bool flush();

private:
  struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  order_log() = default;
  void begin(const uuid& id, std::string_view phase, instant now);

  std::unique_ptr<std::FILE, closer> file_;
  std::string noted_;
};

} // namespace troupe::shop
