#pragma once

#include "runtime/broker/calls/router.hpp"
#include "runtime/broker/events/event_service.hpp"
#include "runtime/broker/quarantine.hpp"
#include "runtime/transport/router_loop.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::broker {

struct server_options {
  /// The broker's name in the topology.
  std::string name;
  /// Made anew by each process.
  uuid incarnation;
  transport::heartbeat_options heartbeat;
  std::uint64_t body_bytes_max = 1U << 20U;
  /// Once asked to drain, calls under way get this long. 0 to 1 min.
  milliseconds drain_max{5'000};
  /// Between two pings to a worker.
  milliseconds ping_interval{20};
  router_options router;
  /// Who keeps the journal of events, if another broker does; for messages.
  std::string journal_keeper;
};

/// What the shell itself counts, beside the router's `counters`.
struct server_counters {
  /// Messages that are none of ours, by frames, lengths or header.
  std::uint64_t malformed = 0;
  /// From peers that should have said HELLO first.
  std::uint64_t unauthenticated = 0;
  /// Answers whose receiver was gone or took nothing more: a retry asks again.
  std::uint64_t undeliverable = 0;
  std::uint64_t clients_joined = 0;
  std::uint64_t clients_lost = 0;
  std::uint64_t stood_still = 0;
};

/// The shell around the router: reads envelopes, knows who is logged in on which connection, and
/// carries out what the router decides.
///
/// Confined to the thread of its loop, which must outlive it; `request_drain` from any thread.
class server final : public transport::router_handler, public event_links {
public:
  using event_sink = std::function<void(const log_event&)>;

  server(transport::router_loop& loop, server_options options, event_sink log, instant now);

  /// Makes this the broker that keeps the journal. Before the loop runs.
  void keep_journal(const clock& time, event_service_options options, const journal_state& state);

  void received(
      transport::peer from,
      transport::framing how,
      std::string_view header,
      std::string_view body,
      instant now) override;
  void malformed(
      transport::peer from, transport::framing how, std::string_view why, instant now) override;
  void link_closed(instant now) override;
  void gone(transport::peer whom, instant now) override;
  void stood_still(instant::duration how_long, instant now) override;
  instant next_due() const override;
  void due(instant now) override;

  /// Refuse new calls, let those under way end, then stop the loop.
  void request_drain();

private:
  /// A peer that said HELLO. A worker's place here is its `login_id`.
  struct login {
    transport::peer peer{};
    bool in_use = false;
    bool is_worker = false;
    std::uint32_t batch = 0;
  };

  /// Somebody to answer: on which connection, and how.
  struct reply_to {
    transport::peer peer;
    transport::framing how;
  };

  // server.cpp
  void take_call(
      reply_to from,
      const wire::header_view& header,
      std::string_view bytes,
      std::string_view body,
      instant now);
  void take_other(
      reply_to from,
      std::uint32_t place,
      const wire::header_view& header,
      std::string_view bytes,
      std::string_view body,
      instant now);
  bool take_own(reply_to from, const wire::header_view& header, std::string_view body, instant now);
  error no_journal_here() const;
  error too_large(std::string_view what, std::size_t bytes) const;
  void take_event_talk(
      reply_to from,
      std::uint32_t place,
      const wire::header_view& header,
      std::string_view body,
      instant now);
  void carry_out(instant now);
  void follow_quarantine(instant now);
  void respond(reply_to to, std::string_view header, std::string_view body);
  void respond_error(reply_to to, const uuid& id, const error& why);
  void log(log_event event, instant now);
  void begin_drain(instant now);

  // event_links, for the event service
  void pass_answer(origin to, std::string_view header, std::string_view body) override;
  void pass_refusal(origin to, const uuid& id, const error& why) override;
  void pass_message(login_id to, std::string_view header, std::string_view body) override;
  void report(log_event event, instant now) override;

  // server_login.cpp
  std::uint32_t find(transport::peer whom);
  void log_in(reply_to from, const uuid& id, std::string_view body, instant now);
  void log_in_client(reply_to from);
  void log_in_worker(reply_to from, const wire::hello& hello, instant now);
  std::uint32_t add_login(transport::peer whom, bool is_worker);
  void remove_login(std::uint32_t place);
  void end_login(std::uint32_t place, bool is_blamed, std::string_view why, instant now);
  void send_welcome(reply_to to);
  void tell_roster();
  void say_bye();
  bool ping(std::uint32_t place, instant now);
  void ping_all(bool workers_only, instant now);

  // server_status.cpp
  void own_call(reply_to from, const wire::header_view& header, instant now);
  std::string status(instant now) const;

  transport::router_loop& loop_;
  server_options options_;
  event_sink log_;
  quarantine quarantine_;
  std::uint64_t quarantine_followed_ = 0; // The `changes` that router and bus have heard of.
  router router_;
  decisions decisions_;
  std::unique_ptr<event_service> events_; // Of the broker that keeps the journal.
  std::vector<forget> left_;              // Logins it has yet to hear the end of.
  server_counters counts_;
  std::vector<login> logins_;
  std::vector<std::uint32_t> free_logins_;
  tsl::robin_map<std::uint32_t, std::uint32_t> login_of_peer_;
  std::size_t workers_ = 0;
  // The last peer looked up: a batch brings many envelopes from one.
  transport::peer last_peer_{};
  std::uint32_t last_place_ = nowhere;
  bool is_last_known_ = false;

  struct past_event {
    instant at;
    log_event what;
  };

  std::deque<past_event> recent_;
  instant started_;
  instant ticked_;
  instant pinged_;
  instant beat_;
  std::atomic<bool> wants_drain_{false};
  bool draining_ = false;
  instant drain_until_{};
  std::string scratch_;
};

} // namespace troupe::broker
