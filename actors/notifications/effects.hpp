#pragma once

#include "actors/orders/messages.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::notifications {

/// The request of the effect `send_confirmation`: all data of the mail.
struct send_confirmation {
  uuid order_id;
  std::string recipient;
  std::string currency;
  std::vector<orders::line> items;
  std::int64_t amount_cents = 0;
  /// The time of the event in milliseconds since 1970-01-01 UTC: the date of the mail in every
  /// attempt.
  std::int64_t at = 0;
};

TROUPE_MESSAGE(send_confirmation, order_id, recipient, currency, items, amount_cents, at)

struct confirmation_sent {
  bool taken = false;
  std::string message_id;
  std::int64_t attempts = 0;
  /// The reason why the mail was not taken.
  std::string reason;
};

TROUPE_MESSAGE(confirmation_sent, taken, message_id, attempts, reason)

} // namespace troupe::notifications
