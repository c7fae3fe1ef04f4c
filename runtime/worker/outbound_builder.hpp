#pragma once

#include "runtime/store/turn/writers.hpp"
#include "runtime/wire/batch.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/worker/group.hpp"
#include "runtime/worker/outbound.hpp"
#include "runtime/worker/write.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// Builds the output of one turn of a runner for the socket loop: one batch frame per broker with
/// replies, reports and events, and the items to queue again.
///
/// Confined to the runner's thread; its buffers are reused from turn to turn.
class outbound_builder {
public:
  outbound_builder(group& of, runner_metrics& metrics);

  /// Answers a call with `bytes`, or with "pending". An answer larger than brokers accept becomes
  /// an error.
  void reply(const item& to, answer::kind is, std::string_view bytes);
  void reply_error(const item& to, const error& why);
  void reply_with(const item& to, const answer& result);

  /// Answers a call that was left pending, at every broker.
  void answer_pending(const saga::outgoing::answer& late);

  /// Sends a message of this kind and body.
  void append(int link, wire::kind kind, std::string_view body);

  /// Sends an event of the outbox to the journal's broker.
  void relay(int link, const store::outbox_view& event);

  void queue_again(milliseconds delay, item&& what) {
    out_.later.push_back({delay, std::move(what)});
  }

  /// Sets the timers of sagas, and removes useless ones.
  void set_timers(saga::outgoing& of) {
    out_.timers = std::move(of.timers);
    out_.stopped = std::move(of.stopped);
    out_.all_stopped = of.all_stopped;
  }

  void make_calls(std::vector<saga::outgoing::call>&& calls) { out_.calls = std::move(calls); }

  /// Notes that events have ended; their reports leave by the same `send`.
  void events_ended(std::int64_t count) { out_.events += count; }

  void effects_ended(std::int64_t count) { out_.effects += count; }

  /// Answers a probe.
  void probed(group_probe said) { out_.probed = std::move(said); }

  /// Requests the renewal of a login at the journal's broker, if it is still the current one; 0:
  /// none.
  void renew_login(std::uint32_t login) { out_.void_login = login; }

  /// Passes everything on; a place in the inlet must have been reserved.
  void send();

private:
  template <class WriteHeader>
  void write_to(int link, std::string_view body, const WriteHeader& write_header);

  void count(const item& answered, std::size_t outcome);

  group& group_;
  runner_metrics& metrics_;
  std::vector<wire::batch_writer> batches_;
  wire::batch_writer everywhere_;
  std::string header_;
  outbound out_;
};

} // namespace troupe
