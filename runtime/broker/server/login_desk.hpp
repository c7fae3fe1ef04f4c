#pragma once

#include "runtime/broker/server/broker_log.hpp"
#include "runtime/broker/server/peer_sender.hpp"
#include "runtime/broker/server/ping_schedule.hpp"
#include "runtime/broker/server/server_options.hpp"
#include "runtime/broker/server/switchboard.hpp"

#include <string_view>
#include <tsl/robin_map.h>
#include <vector>

namespace troupe::broker {

/// Begins and ends logins: handles HELLO and BYE, pings logged-in peers, and ends the login of a
/// peer that cannot be reached any more.
///
/// Belongs to the server's thread. All constructor arguments outlive it.
class login_desk {
public:
  login_desk(
      const server_options& options,
      peer_sender& out,
      switchboard& calls,
      broker_log& log,
      instant now);

  /// The proof of a peer that logs in.
  struct proof {
    /// The row of its rights.
    security::rules::row row = security::rules::stranger;
    /// The time at which the token expires.
    instant until = instant::max();
    /// The owner of its key; empty without one.
    std::string owner{};
  };

  /// @errors of `router::hello`; the connection's former login has ended, and no message was sent.
  outcome<void> log_in(origin from, const wire::hello& what, const proof& proved, instant now);

  void bye(login_id whom, instant now) { end(whom, false, "it said BYE", now); }

  /// A connection ended.
  void lost(transport::peer whom, instant now);

  /// Makes a peer log in again, as its messages were dropped, possibly replies. Logged.
  /// @param dropped the dropped messages of all peers so far.
  void end_flooding(transport::peer whom, std::uint64_t dropped, instant now);

  /// Connections are being ended that send bytes without completing a message. Logged.
  void note_stuck(std::size_t links, instant now);

  /// The broker's process stood still and dropped received messages, possibly replies: all workers
  /// log in again.
  void end_workers(instant now);

  /// The time at which `due` must be called next.
  instant next_due() const;

  /// Sends due pings, and ends logins whose tokens have expired.
  void due(instant now);

  /// Pings every peer, to find out which connections have ended.
  void ping_all(instant now) { ping(ping_schedule::round::everybody, now); }

  /// Tells every peer to use another broker, or to wait for the next process here.
  void say_bye();

  /// Tells every peer that the journal has moved, by another WELCOME before any other message.
  void tell_journal();

  std::uint64_t clients_joined() const { return clients_joined_; }

  std::uint64_t clients_lost() const { return clients_lost_; }

  /// The gateways of the topology, and which of them are logged in.
  std::vector<wire::known_gateway> gateways() const;

  /// Logins that will end soon, as their tokens are not renewed: 16 at most.
  std::vector<wire::ending_login> ending(instant now) const;

private:
  outcome<void>
  log_in_worker(origin from, const wire::hello& what, const proof& proved, instant now);
  wire::welcome welcome() const;
  void send_welcome(origin to);
  void end(login_id whom, bool is_blamed, std::string_view why, instant now);
  void ping(ping_schedule::round whom, instant now);
  void ping(login_id whom, instant now);
  transport::sent say_ping(login_id whom);
  void end_expired(instant now);

  const server_options& options_;
  peer_sender& out_;
  switchboard& calls_;
  broker_log& log_;
  ping_schedule pings_;
  /// Clients that logged in under the name of a gateway, with its place in the options.
  tsl::robin_map<login_id, std::size_t> gateways_;
  std::uint64_t clients_joined_ = 0;
  std::uint64_t clients_lost_ = 0;
  instant log_flood_at_{};
  std::uint64_t stuck_ = 0; // Links.
  instant log_stuck_at_{};
  instant expiry_look_at_{};
};

/// The error of a peer that must send HELLO first, or again.
error say_hello_first();

} // namespace troupe::broker
