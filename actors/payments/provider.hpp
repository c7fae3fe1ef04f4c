#pragma once

#include "actors/payments/provider_options.hpp"
#include "runtime/outcome.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace troupe::payments {

/// What the provider is asked to move. `key` is by what it tells a repeat from a second one.
struct transfer {
  uuid key;
  uuid order_id;
  std::int64_t amount_cents = 0;
  std::string currency;
  std::string card;
};

/// The provider's word on a charge.
struct charge_result {
  bool charged = false;
  /// The provider's own name for it, if charged; why not, if declined.
  std::string reference;
};

TROUPE_MESSAGE(charge_result, charged, reference)

/// Whoever really moves the money.
///
/// Both are idempotent: under a known key they say what they said before. They may block. An error
/// is technical, and leaves it open whether the money moved: ask again under the same key.
class provider {
public:
  provider() = default;
  provider(const provider&) = delete;
  provider& operator=(const provider&) = delete;
  virtual ~provider() = default;

  virtual outcome<charge_result> charge(const transfer& from) = 0;
  virtual outcome<void> refund(const transfer& to) = 0;
};

/// The provider that a capability's `config` asks for.
/// @param folder what relative paths in it start at.
std::unique_ptr<provider> make_provider(const provider_options& options, const std::string& folder);

} // namespace troupe::payments
