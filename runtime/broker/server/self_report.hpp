#pragma once

#include "runtime/broker/server/access_desk.hpp"
#include "runtime/broker/server/broker_log.hpp"
#include "runtime/broker/server/broker_snapshot.hpp"
#include "runtime/broker/server/drain.hpp"
#include "runtime/broker/server/journal_desk.hpp"
#include "runtime/broker/server/login_desk.hpp"
#include "runtime/broker/server/peer_sender.hpp"
#include "runtime/broker/server/server_options.hpp"
#include "runtime/broker/server/switchboard.hpp"
#include "runtime/observe/kept_spans.hpp"
#include "runtime/observe/loop_question.hpp"
#include "runtime/outcome.hpp"
#include "runtime/transport/router_loop.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::broker {

/// The report of a broker on itself: to peers as answers of `troupe.broker`, and to its health and
/// metrics as snapshots. Confined to the server's thread, except for `ask_snapshot`.
class self_report {
public:
  /// The parts that it reports on; all of them outlive the report.
  struct parts {
    const transport::router_loop& loop;
    const server_options& options;
    const broker_log& log;
    const peer_sender& out;
    switchboard& calls;
    const login_desk& desk;
    const journal_desk& journal;
    const drain& draining;
    const counters& counts;
    const access_desk& access;
  };

  self_report(const parts& of, instant started) : of_{of}, started_{started} {}

  /// The answer to an operation of `troupe.broker`.
  /// @errors `unknown_operation`; `describe` also `invalid`, `unknown_capability`.
  outcome<std::string> answer(std::string_view operation, std::string_view body, instant now);

  /// Requests a snapshot, from any thread; the caller must wake the loop then.
  void ask_snapshot(observe::loop_question<broker_snapshot>::receiver answered) {
    asked_.ask(std::move(answered));
  }

  /// The time at which `due` must be called next.
  instant next_due() const;
  /// Answers requests for a snapshot, once the journal has answered.
  void due(instant now);

private:
  outcome<std::string> describe(std::string_view body) const;
  const std::string& status_answer(instant now);
  std::string make_status_answer(instant now) const;
  wire::broker_status status(instant now) const;
  milliseconds probe_patience() const;
  broker_snapshot snapshot(instant now);

  const parts of_;
  const instant started_;
  observe::loop_question<broker_snapshot> asked_;
  /// The spans of gateways.
  observe::kept_spans kept_;
  /// The time at which the journal was asked for the waiting requests.
  std::optional<instant> probing_since_;
  instant said_at_{};
  std::string said_; // The answer to `status`.
};

} // namespace troupe::broker
