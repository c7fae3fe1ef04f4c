#pragma once

#include "runtime/observe/loop_question.hpp"
#include "runtime/transport/peer_loop.hpp"
#include "runtime/worker/call_intake.hpp"
#include "runtime/worker/delayed_items.hpp"
#include "runtime/worker/event_intake.hpp"
#include "runtime/worker/health_probe.hpp"
#include "runtime/worker/housekeeper.hpp"
#include "runtime/worker/login_replies.hpp"
#include "runtime/worker/node_calls.hpp"
#include "runtime/worker/outbound.hpp"
#include "runtime/worker/saga_calls.hpp"
#include "runtime/worker/state_reports.hpp"
#include "runtime/worker/worker_groups.hpp"
#include "runtime/worker/worker_options.hpp"
#include "runtime/worker/worker_snapshot.hpp"

#include <atomic>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// The end of a worker.
struct worker_end {
  bool good = true;
  /// The reason of a failure: what happened and what to do.
  std::string reason;
};

/// The socket loop of a worker: passes each message of a broker to the responsible part, and sends
/// the results of the runners.
///
/// Owned by `worker`. Everything except `request_drain` and `ask_snapshot` belongs to the loop's
/// thread.
class worker_loop final : public transport::peer_handler {
public:
  /// All parameters are borrowed and outlive the loop.
  worker_loop(
      transport::peer_loop& sockets,
      const worker_options& options,
      worker_parts& parts,
      const worker_groups::list& groups);

  /// Requests a drain, from any thread.
  void request_drain() { drain_requested_ = true; }

  /// The rest of the drain's time, for groups to end. Once the loop has ended.
  milliseconds time_to_end(instant now) const;

  /// Makes the loop report its state once runners and brokers have answered, in any case within 250
  /// ms or half the heartbeat timeout. From any thread.
  void ask_snapshot(observe::loop_question<worker_snapshot>::receiver answered) {
    asked_.ask(std::move(answered));
  }

  /// Valid once the loop has ended.
  const worker_end& end() const { return end_; }

  wire::hello hello(int link) override;
  void welcomed(int link, const wire::welcome& welcome, instant now) override;
  void refused(int link, const error& why, instant now) override;
  void lost(int link, std::string_view why, instant now) override;
  void received(
      int link,
      std::string_view header,
      std::string_view body,
      const transport::frame_ref& frame,
      instant now) override;

  void frame_done(instant) override { groups_.push_added(); }

  void commands(instant now) override;
  wire::pong progress(instant now) override;

  instant next_due() const override { return next_due_; }

  void due(instant now) override;

private:
  void take_call(
      int link,
      const wire::header_view& header,
      std::string_view body,
      const transport::frame_ref& frame,
      instant now);
  void carry_out(outbound& done, instant now);
  void answer_asked(instant now);
  worker_snapshot snapshot(instant now) const;
  void continue_drain(instant now);

  transport::peer_loop& sockets_;
  const worker_options& options_;
  worker_parts& parts_;
  worker_groups groups_;
  call_intake calls_;
  event_intake events_;
  login_replies replies_;
  saga_calls sagas_;
  delayed_items delayed_;
  housekeeper housekeeper_;
  state_reports reports_;
  node_calls node_;
  health_probe probe_;

  std::vector<outbound> taken_; // Reused.
  instant next_due_{};
  instant refused_since_{};
  observe::loop_question<worker_snapshot> asked_;
  std::atomic<bool> drain_requested_{false};
  instant drain_until_{};
  worker_end end_;
};

} // namespace troupe
