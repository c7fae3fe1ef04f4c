#pragma once

#include "runtime/outcome.hpp"
#include "runtime/security/token_keys.hpp"

#include <string>

namespace troupe::security {

/// FOLDER/tokens.jwks: the keys that sign tokens, for the host that makes them; with a shared
/// secret also for each host that checks them.
std::string token_secret_file(const std::string& folder);

/// FOLDER/tokens.pub.jwks: the public keys of tokens, for every host.
std::string token_public_file(const std::string& folder);

/// FOLDER/NAME.token: the token with which NAME logs in, on hosts without a signing key.
std::string token_file_of(const std::string& folder, std::string_view owner);

/// The keys that check tokens: the public ones or, if there are none, the shared secret.
/// @errors `unavailable`: there are no keys; `invalid`, `forbidden`: as of other keys
/// (key_file.hpp).
outcome<token_keys> read_checking_keys(const std::string& folder);

/// The keys that make tokens. @errors as above.
outcome<token_keys> read_signing_keys(const std::string& folder);

/// Writes both files, the public one first, so that signed tokens can be checked. With a shared
/// secret there is no public file.
/// @errors `unavailable`: the system refuses it, with the reason.
outcome<void> write_token_keys(const std::string& folder, const token_keys& keys);

} // namespace troupe::security
