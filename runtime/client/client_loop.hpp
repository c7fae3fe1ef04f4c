#pragma once

#include "runtime/backoff.hpp"
#include "runtime/calls/pending_calls.hpp"
#include "runtime/client/completion_queue.hpp"
#include "runtime/client/link_health.hpp"
#include "runtime/client/ok_reply.hpp"
#include "runtime/client/submission_queue.hpp"
#include "runtime/transport/peer_loop.hpp"
#include "runtime/wire/envelope.hpp"

#include <atomic>
#include <vector>

namespace troupe::client {

/// The client's loop between its two queues and its links: sends calls, matches answers, sends
/// again after a lost link or a busy broker's refusal, and ends each call by its deadline.
///
/// Made before its thread runs and destroyed after; only that thread may use it, except for `close`
/// and `links`.
class client_loop final : public transport::peer_handler {
public:
  client_loop(
      const options& settings,
      transport::context& zmq,
      const clock& clock,
      submission_queue& submissions,
      completion_queue& completions);

  /// Runs until closed and finished; then every call has ended.
  void run();

  /// Ends `run` when no call is outstanding, or at `at_latest`. From any thread; `submissions` must
  /// be closed.
  void close(instant at_latest);

  const link_health& links() const { return links_; }

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
  void frame_done(instant now) override;
  void commands(instant now) override;
  wire::pong progress(instant now) override;
  instant next_due() const override;
  void due(instant now) override;

private:
  void take(submitted_batch& batch, instant now);
  void take_one_by_one(submitted_batch& batch, instant now);
  void send_waiting(instant now);
  void
  take_error(const wire::header_view& header, const calls::pending_calls::ended& call, instant now);
  instant retry_time(const error& why, std::uint32_t retries, instant now);
  void end_answered(const uuid& id, const transport::frame_ref& frame, std::string_view body);
  void end(const calls::pending_calls::ended& call, outcome<reply_body>&& answer);
  void end_expired(instant now);
  void publish();
  bool is_closing() const;
  void stop_if_done(instant now);
  void end_all();

  const options settings_;
  submission_queue& submissions_;
  completion_queue& completions_;
  transport::peer_loop peers_;
  calls::pending_calls table_;
  const uuid incarnation_;
  const ok_reply ok_reply_;
  link_health links_;
  std::vector<submitted_batch> taken_;
  std::vector<completion> done_;
  std::vector<calls::pending_calls::ended> ended_;
  std::uint64_t finished_ = 0;
  jitter jitter_;

  std::atomic<instant::rep> close_at_{instant::max().time_since_epoch().count()};
};

} // namespace troupe::client
