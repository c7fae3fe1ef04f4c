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

/// The log of a client, for checking the shop's data later: one JSON object for each call started,
/// and one for each call ended.
///
///     {"t_mono_us", "call_id", "order_id", "op", "phase": "invoke", "line"}
///     {..., "phase": "return", "outcome": "ok" | "fail" | "unknown", "code", "reason",
///      "total_cents"}
///
/// `fail` means that nothing happened; `reason` is present if that is final for the order, and not
/// only for one call that reached no capability. Times are of CLOCK_MONOTONIC. A call is written to
/// the file before it is sent (`flush`), so that no effect can come from a call missing in the log.
class order_log {
public:
  /// Starts an empty log at `path`; a log without a path stores nothing.
  /// @errors `unavailable`: the file cannot be written.
  static outcome<order_log> open(const std::string& path);

  void asked(const uuid& id, std::uint64_t line, instant now);
  void placed(const uuid& id, const uuid& order, std::int64_t total_cents, instant now);
  /// @param reason empty if the order will be requested again.
  void failed(const uuid& id, const error& why, std::string_view reason, instant now);

  /// Hands the lines to the operating system. False if that failed.
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
