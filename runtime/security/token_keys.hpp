#pragma once

#include "runtime/outcome.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::security {

/// The algorithm of a key, whatever a token says.
enum class token_algorithm : std::uint8_t {
  /// EdDSA over Ed25519: a party that can check tokens cannot make them. @source RFC 8037.
  ed25519,
  /// A secret shared by all parties that make or check tokens. @source RFC 7518, 3.2.
  hs256,
};

/// "EdDSA" or "HS256".
std::string_view name_of(token_algorithm algorithm);

/// A key that signs tokens, or only checks them. Its secret is wiped on destruction.
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

/// The currently valid keys of tokens: one, or two while one replaces the other.
class token_keys {
public:
  static constexpr std::size_t live_max = 2;
  static constexpr std::size_t text_bytes_max = 16'384;

  /// Reads a JWK set, the newest key first.
  /// @errors `invalid`: it is not such a set, or a key in it is of another kind, has a duplicate
  /// id, is too short, or has a public half that does not match its secret.
  /// @source RFC 7517; RFC 8037, 2.
  static outcome<token_keys> of_jwks(std::string_view text);

  /// A set of one new key, of the system's random bytes.
  /// @throws std::runtime_error OpenSSL gives none.
  static token_keys make(token_algorithm algorithm);

  /// The same with a new key first; the oldest beyond `live_max` is dropped.
  token_keys rotated() const;

  /// The key called `id`, or null.
  const token_key* find(std::string_view id) const;

  /// The key that signs: the newest that can; null if all only check.
  const token_key* signing() const;

  /// The keys as a JWK set, with secrets; for a file that nobody else may read.
  std::string secret_jwks() const;

  /// The public keys, which everybody may know. A shared secret is not among them.
  std::string public_jwks() const;

  const std::vector<token_key>& all() const { return keys_; }

private:
  std::vector<token_key> keys_;
};

/// The signature of `message`. @param key one with its secret.
/// @throws std::runtime_error OpenSSL refuses the key.
std::string sign(const token_key& key, std::string_view message);

/// Whether `signature` is the key's for `message`. Takes the same time for each wrong one of HS256.
bool is_signed(const token_key& key, std::string_view message, std::string_view signature);

} // namespace troupe::security
