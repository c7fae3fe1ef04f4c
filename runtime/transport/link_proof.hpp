#pragma once

#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/transport/peer_options.hpp"

#include <cstdint>
#include <optional>

namespace troupe::transport {

/// What a link proves itself with: keys at each connection, and the token of its login, which is
/// renewed in time. Confined to the loop's thread.
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
    /// There is nothing to do.
    none,
    /// There is another token to show.
    token,
    /// Tokens are bound to another key by now, and a connection keeps its own: it has to log in
    /// anew.
    login,
  };

  /// Asks for another token once it is time. Where none is to be had, the broker ends the login
  /// when the one before has expired, and the next login says why.
  renewal renew(instant now);

private:
  const link_key_source& source_;
  const int number_;
  std::uint64_t refusals_ = 0; // In a row.
  curve_public_key key_{};     // Of this connection.
  std::optional<login_token> token_;
  instant renew_at_ = instant::max();
};

} // namespace troupe::transport
