#pragma once

#include "runtime/broker/calls/actions.hpp"
#include "runtime/clock.hpp"
#include "runtime/security/rules.hpp"
#include "runtime/transport/router_loop.hpp"

#include <cstdint>
#include <string>
#include <tsl/robin_map.h>
#include <utility>
#include <vector>

namespace troupe::broker {

/// The logins of connections: the peers that sent HELLO and have not left.
///
/// A login's place in the table is its `login_id`, which is given again once the login is over. A
/// connection has at most one login that `find` finds; while a worker logs in again, its earlier
/// login has a place beside the new one. Pure; belongs to the server's thread.
class login_table {
public:
  struct login {
    transport::peer peer{};
    bool in_use = false;
    bool is_worker = false;
    /// The batch towards the peer, at the socket loop.
    std::uint32_t batch = 0;
    /// The row of its rights, if there are rules.
    security::rules::row row = security::rules::stranger;
    /// The time at which its token expires; `instant::max()` without one.
    instant until = instant::max();
    /// The largest body of an answer that the peer accepts.
    std::uint64_t body_bytes_max = ~std::uint64_t{0};
    /// The time from which on the next token is overdue.
    instant overdue = instant::max();
    /// The owner of its key.
    std::string owner{};
    /// The reason why the next token was refused; empty if none was.
    std::string refused{};
  };

  /// A login that `find` finds once it is bound.
  login_id add(transport::peer whom, bool is_worker, std::uint32_t batch);

  /// Makes `find` return this login for its connection from now on, and no earlier one.
  void bind(login_id whom);

  void remove(login_id whom);

  /// Sets the rights of the login's peer.
  void set_row(login_id whom, security::rules::row row) {
    logins_[static_cast<std::size_t>(whom)].row = row;
  }

  void set_body_bytes_max(login_id whom, std::uint64_t most) {
    logins_[static_cast<std::size_t>(whom)].body_bytes_max = most;
  }

  /// Notes that the login's peer has proved its name until then; `instant::max()` means without
  /// end.
  void set_proved(login_id whom, std::string owner, instant until, instant now);

  /// Notes that the next token of the login's peer was refused.
  void set_refused(login_id whom, std::string why) {
    logins_[static_cast<std::size_t>(whom)].refused = std::move(why);
  }

  /// The login of a connection, or `login_id{nowhere}`. Caches the last connection, as a batch
  /// brings many envelopes from one.
  login_id find(transport::peer whom);

  const login& operator[](login_id whom) const { return logins_[static_cast<std::size_t>(whom)]; }

  std::size_t workers() const { return workers_; }

  /// Calls `visit(login_id, const login&)` for each login; `visit` may remove logins.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::uint32_t place = 0; place < logins_.size(); ++place) {
      if (logins_[place].in_use) {
        visit(login_id{place}, logins_[place]);
      }
    }
  }

private:
  std::vector<login> logins_;
  std::vector<std::uint32_t> free_;
  tsl::robin_map<std::uint64_t, login_id> of_peer_;
  std::size_t workers_ = 0;
  transport::peer last_peer_{};
  login_id last_found_{nowhere};
  bool is_last_known_ = false;
};

} // namespace troupe::broker
