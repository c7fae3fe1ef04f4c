#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>

namespace troupe::notifications {

/// `get`: the mail that confirms an order. Refused: `unknown_mail`.
struct get_mail {
  uuid order_id;
};

TROUPE_MESSAGE(get_mail, order_id)

struct mail {
  uuid order_id;
  /// "asked" until the effect has ended, then "sent" or "failed".
  std::string state;
  std::string recipient;
  /// The mail's `Message-ID`; "" while the state is "asked".
  std::string message_id;
  /// The number of attempts by the process that succeeded or gave up.
  std::int64_t attempts = 0;
  /// The reason why the mail failed.
  std::string reason;
};

TROUPE_MESSAGE(mail, order_id, state, recipient, message_id, attempts, reason)

/// `count`: the number of mails by state.
struct count_mails {};

TROUPE_MESSAGE(count_mails)

struct mail_count {
  std::int64_t asked = 0;
  std::int64_t sent = 0;
  std::int64_t failed = 0;
};

TROUPE_MESSAGE(mail_count, asked, sent, failed)

} // namespace troupe::notifications
