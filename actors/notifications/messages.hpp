#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>

namespace troupe::notifications {

/// `get`: what became of the mail that confirms an order. Refused: `unknown_mail`.
struct get_mail {
  uuid order_id;
};

TROUPE_MESSAGE(get_mail, order_id)

struct mail {
  uuid order_id;
  /// "asked" until it is known; "sent"; "failed" for good.
  std::string state;
  std::string recipient;
  /// The name it goes by outside; "" while it is only asked for.
  std::string message_id;
  /// How often it was tried by the process that succeeded or gave up.
  std::int64_t attempts = 0;
  /// Why it failed.
  std::string reason;
};

TROUPE_MESSAGE(mail, order_id, state, recipient, message_id, attempts, reason)

/// `count`
struct count_mails {};

TROUPE_MESSAGE(count_mails)

struct mail_count {
  std::int64_t asked = 0;
  std::int64_t sent = 0;
  std::int64_t failed = 0;
};

TROUPE_MESSAGE(mail_count, asked, sent, failed)

} // namespace troupe::notifications
