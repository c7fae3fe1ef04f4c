#pragma once

#include "actors/payments/provider_options.hpp"
#include "runtime/outcome.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace troupe::payments {

/// An order to the provider to move money. `key` tells a repeat from a second transfer.
struct transfer {
  uuid key;
  uuid order_id;
  std::int64_t amount_cents = 0;
  std::string currency;
  std::string card;
};

/// The provider's answer to a charge.
struct charge_result {
  bool charged = false;
  /// The provider's own name for the charge, or why it declined.
  std::string reference;
};

TROUPE_MESSAGE(charge_result, charged, reference)

/// The company that moves the money.
///
/// Both operations are idempotent: under a known key they return the first answer. They may block.
/// An error is technical and leaves open whether the money moved: ask again under the same key.
class provider {
public:
  provider() = default;
  provider(const provider&) = delete;
  provider& operator=(const provider&) = delete;
  virtual ~provider() = default;

  virtual outcome<charge_result> charge(const transfer& from) = 0;
  virtual outcome<void> refund(const transfer& to) = 0;
};

/// The provider selected by a capability's `config`.
/// @param folder the base of relative paths.
std::unique_ptr<provider> make_provider(const provider_options& options, const std::string& folder);

} // namespace troupe::payments
