#pragma once

#include "runtime/observe/event_log.hpp"
#include "runtime/outcome.hpp"
#include "runtime/security/checked_tokens.hpp"
#include "runtime/security/key_ring.hpp"
#include "runtime/security/login_tokens.hpp"
#include "runtime/transport/curve_keys.hpp"
#include "topology/plan.hpp"

#include <memory>
#include <optional>
#include <string>

namespace troupe {

/// The rules of the topology by which service tokens are checked.
security::token_rules token_rules(const topology::token_options& options);

/// The checker of a gateway's tokens; null if its topology has no `tokens`, or if there are no keys
/// and no route requires a token.
/// @errors of `security::read_checking_keys`.
outcome<std::unique_ptr<security::checked_tokens>>
open_tokens(const topology::plan& plan, const topology::gateway_plan& self);

/// The checker of login tokens; null if brokers of the topology require none.
/// @errors of `security::read_checking_keys`.
outcome<std::shared_ptr<security::login_tokens>> open_login_tokens(const topology::plan& plan);

/// Reads the keys of these tokens again, and logs the result; if they cannot be read, the earlier
/// ones stay in use.
void reread_login_tokens(
    security::login_tokens& tokens, const std::string& folder, observe::event_log& log);

/// The token with which the owner of `ring` logs in: that in FOLDER/NAME.token, which is renewed
/// from outside, or a new one if the signing keys (tokens.jwks) are here.
/// @param folder of the keys.
/// @errors `unavailable`: there is neither; `invalid`, `forbidden`: a file cannot be used.
outcome<transport::login_token> login_token_of(
    const std::string& folder,
    const topology::token_options& options,
    const security::key_ring& ring);

/// A token of this topology for `service`, valid from now on, bound to `key` if there is one.
security::service_token new_token(
    const topology::token_options& options,
    std::string service,
    const std::optional<transport::curve_public_key>& key);

} // namespace troupe
