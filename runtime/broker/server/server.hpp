#pragma once

#include "runtime/broker/server/access_desk.hpp"
#include "runtime/broker/server/broker_log.hpp"
#include "runtime/broker/server/drain.hpp"
#include "runtime/broker/server/journal_desk.hpp"
#include "runtime/broker/server/login_desk.hpp"
#include "runtime/broker/server/peer_sender.hpp"
#include "runtime/broker/server/proofs.hpp"
#include "runtime/broker/server/self_report.hpp"
#include "runtime/broker/server/server_options.hpp"
#include "runtime/broker/server/switchboard.hpp"
#include "runtime/transport/router_loop.hpp"

#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::broker {

/// A broker behind its socket: reads each envelope, checks it and the login of its sender, and
/// passes it on: HELLO to the login desk, calls and workers' messages to the switchboard, calls of
/// `troupe.broker` to the self-report.
///
/// Confined to the thread of its loop, which must outlive it; `request_drain` and `ask_snapshot`
/// from any thread.
class server final : public transport::router_handler {
public:
  server(transport::router_loop& loop, server_options options, broker_log::sink log, instant now);

  /// Makes this the broker that keeps the journal. Before the loop runs.
  void keep_journal(const clock& time, event_service_options options, const journal_state& state) {
    calls_.keep_journal(time, std::move(options), state);
  }

  /// Shares the journal with other brokers: `keeper` says when this one has it. Before the loop
  /// runs; both outlive this.
  void share_journal(journal_keeper& keeper, const clock& time) { journal_.share(keeper, time); }

  /// Turns on the recording of spans of calls. Before the loop runs; both outlive this.
  void keep_spans(const clock& time, observe::span_rings& rings) { calls_.keep_spans(time, rings); }

  void received(
      transport::peer from,
      transport::framing how,
      std::string_view header,
      std::string_view body,
      instant now) override;
  void malformed(
      transport::peer from, transport::framing how, std::string_view why, instant now) override;
  bool takes_batches(transport::peer from, instant now) override;
  void flooded(
      transport::peer from, transport::framing how, std::string_view header, instant now) override;
  void connection_ended(int connection, instant now) override;
  void link_closed(instant now) override;
  void keys_expired(const std::set<std::string>& owners, std::size_t links, instant now) override;
  void gone(transport::peer whom, instant now) override;
  void stood_still(instant::duration how_long, instant now) override;
  void stuck(std::size_t links, instant now) override;
  void crowded(instant now) override;
  instant next_due() const override;
  void due(instant now) override;

  /// Refuses new calls, lets running ones end, then stops the loop.
  void request_drain();

  /// Makes the loop report its state once the journal has answered, in any case within 250 ms or
  /// half the heartbeat timeout.
  void ask_snapshot(observe::loop_question<broker_snapshot>::receiver answered) {
    report_.ask_snapshot(std::move(answered));
    loop_.wake_up();
  }

private:
  void take_call(
      security::rules::row who,
      origin from,
      wire::header_view& header,
      std::string_view bytes,
      std::string_view body,
      instant now);
  bool take_own_call(origin from, wire::header_view& header, std::string_view body, instant now);
  void take_from_login(
      login_id whom,
      origin from,
      const wire::header_view& header,
      std::string_view bytes,
      std::string_view body,
      instant now);
  void take_event_talk(
      login_id whom,
      origin from,
      const wire::header_view& header,
      std::string_view body,
      instant now);
  void note_misspoken(std::string_view kind, const error& why, instant now);
  void log_in(origin from, const wire::hello& who, instant now);
  void refuse_malformed(origin to, const uuid& id, const error& why);
  void continue_drain(instant now);

  transport::router_loop& loop_;
  const server_options options_;
  broker_log log_;
  peer_sender out_;
  switchboard calls_;
  login_desk desk_;
  drain drain_;
  journal_desk journal_;
  counters counts_; // The counters of the server itself.
  access_desk access_;
  proofs proofs_;
  self_report report_;
  std::string header_; // Reused.
};

} // namespace troupe::broker
