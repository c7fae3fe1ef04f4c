#pragma once

#include "runtime/store/migrations.hpp"

#include <array>

namespace troupe::notifications {

/// One mail for each order, however many events there are of it. `message_id` follows from the key
/// of the effect that sends the mail, which is the same on every try.
inline constexpr std::array schema{store::migration{1, "mails", R"sql(
CREATE TABLE mails (
  order_id BLOB PRIMARY KEY,
  event_id BLOB NOT NULL,
  recipient TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asked', 'sent', 'failed')),
  message_id TEXT NOT NULL DEFAULT '',
  attempts BIGINT NOT NULL DEFAULT 0,
  reason TEXT NOT NULL DEFAULT '',
  asked_at BIGINT NOT NULL,
  ended_at BIGINT
) WITHOUT ROWID;
)sql"}};

} // namespace troupe::notifications
