#include "runtime/worker/login_replies.hpp"

#include "runtime/wire/envelope.hpp"
#include "runtime/wire/limits.hpp"

#include <utility>

namespace troupe {

namespace {

// The most that is kept for one login. More would be many large answers within the milliseconds of
// a login.
constexpr std::size_t held_bytes_max = std::size_t{16} * 1024 * 1024;

} // namespace

void login_replies::send(int link, std::string_view frame) {
  if (loop_.send_batch(link, frame)) {
    return;
  }
  login& at = logins_[static_cast<std::size_t>(link)];
  if (at.is_open && !at.is_over_limit) {
    hold(at, frame);
  }
}

/// Keeps the replies of a frame. Its messages about events belong to the login before.
void login_replies::hold(login& at, std::string_view frame) {
  wire::batch_reader envelopes{frame};
  wire::envelope_view each;
  while (envelopes.next(each)) {
    const auto header = wire::scan_header(each.header);
    if (!header || header->kind != wire::kind::reply) {
      continue;
    }
    at.bytes += each.header.size() + each.body.size();
    if (at.bytes > held_bytes_max) {
      at = {.is_open = true, .is_over_limit = true};
      return;
    }
    if (at.batches.empty() || at.batches.back().bytes() > wire::batch_bytes_target) {
      at.batches.emplace_back();
    }
    at.batches.back().append(each.header, each.body);
  }
}

bool login_replies::send_held(int link) {
  login held = std::exchange(logins_[static_cast<std::size_t>(link)], {});
  if (held.is_over_limit) {
    return false;
  }
  for (wire::batch_writer& each : held.batches) {
    (void)loop_.send_batch(link, each.frame());
  }
  return true;
}

} // namespace troupe
