#pragma once

#include "runtime/backoff.hpp"
#include "runtime/calls/pending_calls.hpp"
#include "runtime/client/completion_queue.hpp"
#include "runtime/client/submission_queue.hpp"
#include "runtime/transport/peer_loop.hpp"
#include "runtime/wire/envelope.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::client {

/// What a client does between its two queues and its links: sends calls, matches answers, repeats
/// what a lost link or a busy broker asks for, and ends each call by its deadline.
///
/// Made before, and destroyed after, its thread runs; `run`'s thread owns all but what is said.
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

  /// Why the last link that went down, or never came up, did. From any thread.
  std::string last_trouble() const;

  /// Links that are up. From any thread.
  int links_up() const { return links_up_.load(std::memory_order_relaxed); }

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
  bool is_plain_ok(std::string_view header, uuid& id) const;
  void take(submitted_batch& batch, instant now);
  void take_one_by_one(submitted_batch& batch, instant now);
  void send_waiting(instant now);
  void take_complaint(int link, const wire::header_view& header);
  void take_error(
      int link,
      const wire::header_view& header,
      const calls::pending_calls::ended& call,
      instant now);
  bool is_forgotten(int link, errc code, instant now) const;
  instant retry_time(const error& why, std::uint32_t retries, instant now);
  void end_answered(const uuid& id, const transport::frame_ref& frame, std::string_view body);
  void end(const calls::pending_calls::ended& call, outcome<reply_body>&& answer);
  void end_expired(instant now);
  void publish();
  void note_trouble(int link, std::string_view what);
  bool is_closing() const;
  void stop_if_done(instant now);
  void end_all();

  const options settings_;
  submission_queue& submissions_;
  completion_queue& completions_;
  transport::peer_loop peers_;
  calls::pending_calls table_;
  const uuid incarnation_;
  std::string ok_header_; // Of a reply: what almost all look like.
  std::size_t ok_id_at_ = 0;
  std::vector<instant> up_since_;
  std::vector<submitted_batch> drained_;
  std::vector<completion> done_;
  std::vector<calls::pending_calls::ended> ended_;
  std::uint64_t finished_ = 0;
  jitter jitter_;

  std::atomic<int> links_up_{0};
  std::atomic<instant::rep> close_at_{instant::max().time_since_epoch().count()};
  mutable std::mutex trouble_mutex_;
  std::string trouble_;
};

} // namespace troupe::client
