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

/// Begins and ends logins: takes HELLO and BYE, pings whoever is logged in, and ends the login of a
/// peer that cannot be reached any more.
///
/// Belongs to the server's thread. All that the constructor takes outlives it.
class login_desk {
public:
  login_desk(
      const server_options& options,
      peer_sender& out,
      switchboard& calls,
      broker_log& log,
      instant now);

  /// The proof of somebody who logs in.
  struct proof {
    /// The row of its rights.
    security::rules::row row = security::rules::stranger;
    /// The end of the time of the token.
    instant until = instant::max();
    /// The owner of its key; empty without one.
    std::string owner{};
  };

  /// @errors of `router::hello`; the login that the connection had before is over, and nobody was
  /// told anything.
  outcome<void> log_in(origin from, const wire::hello& what, const proof& proved, instant now);

  void bye(login_id whom, instant now) { end(whom, false, "it said BYE", now); }

  /// A connection ended.
  void lost(transport::peer whom, instant now);

  /// Has a peer log in anew whose messages were dropped, replies perhaps. Said in the log.
  /// @param dropped messages of all peers, so far.
  void end_flooding(transport::peer whom, std::uint64_t dropped, instant now);

  /// Connections are being ended whose bytes become no message. Said in the log.
  void note_stuck(std::size_t links, instant now);

  /// The broker stood still and dropped what it had received, replies perhaps: all workers log in
  /// anew.
  void end_workers(instant now);

  /// The time at which `due` wants to be called next.
  instant next_due() const;

  /// Pings whoever is to be pinged, and ends the logins whose tokens have expired.
  void due(instant now);

  /// Pings every peer, to learn whose connection ended.
  void ping_all(instant now) { ping(ping_schedule::round::everybody, now); }

  /// Tells every peer to look for another broker, or for the next one here.
  void say_bye();

  /// Tells every peer that the journal has moved: another WELCOME, before whatever follows.
  void tell_journal();

  std::uint64_t clients_joined() const { return clients_joined_; }

  std::uint64_t clients_lost() const { return clients_lost_; }

  /// The gateways of the topology, and which of them are logged in.
  std::vector<wire::known_gateway> gateways() const;

  /// Logins that end soon, as their tokens are not renewed: 16 at most.
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

/// The error of a peer that has to say HELLO first, or again.
error say_hello_first();

} // namespace troupe::broker
