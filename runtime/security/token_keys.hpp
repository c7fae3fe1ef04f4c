#pragma once

#include "runtime/outcome.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::security {

/// The one algorithm of a key, whatever a token says.
enum class token_algorithm : std::uint8_t {
  /// EdDSA over Ed25519: who checks a token cannot make one. @source RFC 8037.
  ed25519,
  /// A secret that all share who make or check tokens. @source RFC 7518, 3.2.
  hs256,
};

/// "EdDSA" or "HS256".
std::string_view name_of(token_algorithm algorithm);

/// A key that signs tokens, or only checks them. Its secret is wiped at the end.
struct token_key {
  token_key() = default;
  token_key(const token_key&) = default;
  token_key(token_key&&) = default;
  token_key& operator=(const token_key&) = default;
  token_key& operator=(token_key&&) = default;
  ~token_key();

  /// `kid`: 1 to 64 letters, digits, `-` and `_`.
  std::string id;
  token_algorithm algorithm = token_algorithm::ed25519;
  /// 32 bytes of Ed25519; empty for a shared secret.
  std::string public_key;
  /// 32 bytes of Ed25519, empty where only checked; 32 bytes or more of a shared secret.
  std::string secret;
};

/// The keys of tokens that hold now: one, or two while one takes the other's place.
class token_keys {
public:
  static constexpr std::size_t live_max = 2;
  static constexpr std::size_t text_bytes_max = 16'384;

  /// Reads a set of JWK, the newest first.
  /// @errors `invalid`: it is no such set, or a key in it is of another kind, has an id twice, is
  /// too short, or has a public half that is not its secret's.
  /// @source RFC 7517; RFC 8037, 2.
  static outcome<token_keys> of_jwks(std::string_view text);

  /// A set of one new key, of the system's random bytes.
  /// @throws std::runtime_error OpenSSL gives none.
  static token_keys make(token_algorithm algorithm);

  /// The same with a new key in front; the oldest beyond `live_max` is gone.
  token_keys rotated() const;

  /// The key called `id`, or null.
  const token_key* find(std::string_view id) const;

  /// The key that signs: the newest that can; null where all only check.
  const token_key* signing() const;

  /// The keys as a set of JWK, with secrets; for a file that nobody else may read.
  std::string secret_jwks() const;

  /// The public keys, which everybody may know. A shared secret is not among them.
  std::string public_jwks() const;

  const std::vector<token_key>& all() const { return keys_; }

private:
  std::vector<token_key> keys_;
};

/// The signature of `message`. @param key which has its secret.
/// @throws std::runtime_error OpenSSL refuses the key.
std::string sign(const token_key& key, std::string_view message);

/// Whether `signature` is the key's for `message`. Takes the same time for each wrong one of HS256.
bool is_signed(const token_key& key, std::string_view message, std::string_view signature);

} // namespace troupe::security
