#pragma once

#include "runtime/broker/server/broker_log.hpp"
#include "runtime/broker/server/granted_calls.hpp"
#include "runtime/error.hpp"
#include "runtime/security/audit_sample.hpp"
#include "runtime/security/rules.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/login.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::broker {

/// Checks whether the sender of a call has the right to it, before anything else is done with the
/// call. Each refusal is counted, and some are written to the audit log.
///
/// Belongs to the server's thread. Without rules everything is allowed.
class access_desk {
public:
  /// @param log outlives this.
  access_desk(std::shared_ptr<const security::rules> rules, broker_log& log)
      : rules_{std::move(rules)}, log_{log}, granted_{rules_ ? rules_->size() : 0},
        calls_{(rules_ ? rules_->size() : 0) * security::act_count}, logins_{
                                                                         rules_ ? rules_->size()
                                                                                : 0} {}

  /// Whether there are rules.
  bool is_on() const { return rules_ != nullptr; }

  /// @param name as the sender's key proves it; empty: it has none.
  security::rules::row row_of(std::string_view name) const { return rules_->row_of(name); }

  /// Whether there is a right to an operation. Only with rules.
  bool may_call(
      security::rules::row who, std::string_view capability, std::string_view operation) const {
    return rules_->may_call(who, capability, operation);
  }

  /// An act without the necessary right.
  struct wish {
    security::act what;
    /// An operation with its capability, or topics.
    std::string target;
  };

  /// The act to which a call lacks the right; nothing if it has all rights. The name that the
  /// sender gives in the call is ignored.
  std::optional<wish>
  denied(security::rules::row who, const wire::header_view& call, std::string_view body);

  /// Counts a refusal, and perhaps writes it to the audit log.
  /// @param name as for `row_of`.
  /// @return why, for the sender: `forbidden` or `unauthenticated`. Nothing was done.
  error refusal(security::rules::row who, std::string_view name, const wish& wanted, instant now);

  /// Counts a login that was refused, and perhaps writes it to the audit log.
  /// @param name as for `row_of`. @param rule the place of the rule that forbids the login.
  void note_login(
      security::rules::row who,
      std::string_view name,
      const wire::hello& login,
      std::string_view rule,
      const error& why,
      instant now);

  /// The header of a call with its sender's name as `source`.
  /// @param header of kind `call`, scanned from `bytes`; its views are into the result afterwards.
  /// @return valid until the next call of this.
  std::string_view
  name_sender(security::rules::row who, wire::header_view& header, std::string_view bytes);

  /// Calls that were refused.
  std::uint64_t refused() const { return calls_.refused(); }

private:
  std::optional<wish> denied_of_events(
      security::rules::row who, const wire::header_view& call, std::string_view body) const;

  std::shared_ptr<const security::rules> rules_;
  broker_log& log_;
  granted_calls granted_;
  security::audit_sample calls_;
  security::audit_sample logins_;
  std::string header_; // Reused.
};

} // namespace troupe::broker
