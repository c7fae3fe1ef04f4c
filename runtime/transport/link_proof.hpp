#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/transport/peer_options.hpp"
#include "runtime/wire/batch.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe::transport {

/// What a link proves its identity with: keys at each connection, and the token of its login, which
/// is renewed in time. Confined to the loop's thread.
class link_proof {
public:
  /// @param source may be empty, for links without keys; borrowed. @param number of the broker.
  link_proof(const link_key_source& source, int number) : source_{source}, number_{number} {}

  /// The keys of a new connection; nothing if links have none.
  /// @errors of the source.
  outcome<std::optional<curve_link_keys>> begin(instant now);

  /// The token to log in with, if there is one.
  const std::optional<login_token>& token() const { return token_; }

  /// A login or a handshake was refused. @return how many in a row.
  std::uint64_t refused() { return ++refusals_; }

  void accepted() { refusals_ = 0; }

  enum class renewal : std::uint8_t {
    /// The link has nothing to do.
    none,
    /// The link must present a token, in a message that is answered.
    token,
    /// Tokens are bound to another key by now, and a connection keeps its own: the link has to log
    /// in again.
    login,
  };

  /// Requests another token once it is time, and again, with back-off, after one that could not be
  /// obtained or was refused. `login_token::not_renewed` is called with the reason; the broker ends
  /// the login when the current token has expired.
  renewal renew(instant now);

  /// The message that presents the token.
  void append_renewal(wire::batch_writer& to) const;

  /// Whether the answer to that message is awaited.
  bool is_awaited() const { return asked_.has_value(); }

  /// Takes the answer. @return false if the message is another.
  bool take_answer(std::string_view header, instant now);

private:
  void fail(const error& why, instant now);

  const link_key_source& source_;
  const int number_;
  std::uint64_t refusals_ = 0; // The refusals in a row.
  curve_public_key key_{};     // The key of this connection.
  std::optional<login_token> token_;
  instant renew_at_ = instant::max();
  std::uint64_t failures_ = 0;  // The failures of renewals in a row.
  std::uint64_t unchanged_ = 0; // Looks in a row that found no other token.
  std::optional<uuid> asked_;
  instant answer_by_{};
  uuid_source ids_;
};

} // namespace troupe::transport
