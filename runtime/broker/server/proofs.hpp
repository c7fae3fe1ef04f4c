#pragma once

#include "runtime/broker/calls/counters.hpp"
#include "runtime/broker/server/access_desk.hpp"
#include "runtime/broker/server/bad_tokens.hpp"
#include "runtime/broker/server/login_desk.hpp"
#include "runtime/broker/server/server_options.hpp"
#include "runtime/transport/router_loop.hpp"

#include <string_view>

namespace troupe::broker {

/// The proofs of the sender of the current message: its name by the key of its link, and by its
/// token, if the broker requires one.
///
/// Belongs to the server's thread. All constructor arguments outlive it.
class proofs {
public:
  proofs(
      const server_options& options,
      const transport::router_loop& loop,
      login_table& logins,
      access_desk& access,
      counters& counts)
      : options_{options}, loop_{loop}, logins_{logins}, access_{access}, counts_{counts} {}

  /// The row of the sender's rights.
  security::rules::row row() const {
    return access_.is_on() ? access_.row_of(loop_.user_of_sender()) : security::rules::stranger;
  }

  /// Checks name and token of a HELLO. A refusal is counted and written to the audit log.
  /// @errors `unauthenticated` or `forbidden`, in words for the peer.
  outcome<login_desk::proof> check(const wire::hello& who, instant now);

  /// Writes a HELLO that is refused for lack of a right to the audit log. False if it is refused
  /// for another reason, or if no proof is required here.
  bool note_refused(const wire::hello& who, std::string_view rule, const error& why, instant now);

  /// Accepts a new token for an existing login.
  /// @errors as of `check`: the login stays valid as long as the former token, and `status` shows
  /// that.
  outcome<void> renew(login_id whom, std::string_view token, instant now);

  /// Whether a call without login is refused, as the sender has a key and must show a token.
  bool has_to_log_in(transport::peer who);

private:
  outcome<instant> until(std::string_view token, instant now);
  failure refuse(const wire::hello& who, std::string_view rule, const error& why, instant now);

  const server_options& options_;
  const transport::router_loop& loop_;
  login_table& logins_;
  access_desk& access_;
  counters& counts_;
  bad_tokens bad_tokens_;
};

/// The error of a call for which `has_to_log_in`.
error log_in_with_token();

} // namespace troupe::broker
