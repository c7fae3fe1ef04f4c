#include "runtime/broker/server/peer_sender.hpp"

#include "runtime/config.hpp"
#include "runtime/wire/departure.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::broker {

using transport::framing;
using transport::sent;

void peer_sender::close(login_id whom) {
  loop_.close_batch(logins_[whom].batch);
  logins_.remove(whom);
}

void peer_sender::answer(origin to, std::string_view header, std::string_view body) {
  // Every peer accepts the minimum. An event at the limit is read in an answer that is larger by
  // its key, topic and times, for which a frame has the room of a call's header.
  if (body.size() > wire::control_bytes_max
      && header.size() + body.size() > body_bytes_max(to) + wire::header_bytes_max) {
    return refuse_too_large(to, header, body.size());
  }
  const sent how = pass(to, header, body, 0);
  if (how == sent::full) {
    if (const auto read = wire::scan_header(header); read && read->kind == wire::kind::reply) {
      return refuse_unread(to, read->id, effect::unknown);
    }
  }
  undeliverable_ += how == sent::queued ? 0U : 1U;
}

sent peer_sender::pass(
    origin to, std::string_view header, std::string_view body, std::size_t beyond) {
  if (framing_of(to) != framing::batched) {
    return loop_.send(peer_of(to), framing_of(to), header, body, beyond);
  }
  const login_id whom = logins_.find(peer_of(to));
  return whom == login_id{nowhere} ? sent::gone
                                   : loop_.append(logins_[whom].batch, header, body, beyond);
}

void peer_sender::refuse_unread(origin to, const uuid& id, effect possible) {
  ++unread_;
  refuse(
      to,
      id,
      {.code = errc::overloaded,
       .possible = possible,
       .message = fmt::format(
           "the answer was omitted, as this client has not read those before ({} of all "
           "clients' wait to be read): read them, then ask again with the same id",
           size_text(loop_.unread_bytes())),
       .retry_after = milliseconds{500}});
}

std::size_t peer_sender::body_bytes_max(origin to) {
  const login_id whom = logins_.find(peer_of(to));
  return whom == login_id{nowhere}
             ? body_bytes_max_
             : std::min<std::size_t>(body_bytes_max_, logins_[whom].body_bytes_max);
}

/// A frame beyond the limit would cut the caller's connection, and again when it repeats the call.
void peer_sender::refuse_too_large(origin to, std::string_view header, std::size_t bytes) {
  const auto read = wire::scan_header(header);
  auto fits =
      wire::check_departure({.what = "the answer", .body_bytes = bytes}, body_bytes_max(to));
  if (!read || fits) {
    return;
  }
  error why = std::move(fits).error();
  why.code = errc::internal;
  why.possible = effect::unknown;
  refuse(to, read->id, why);
}

void peer_sender::refuse(origin to, const uuid& id, const error& why) {
  header_.clear();
  wire::append_error_header(header_, id, why);
  // A peer without a login has no batch, and is told in plain frames.
  const bool has_batch =
      framing_of(to) != framing::batched || logins_.find(peer_of(to)) != login_id{nowhere};
  const sent how = pass(has_batch ? to : unbatched(to), header_, {}, words_bytes);
  undeliverable_ += how == sent::queued ? 0U : 1U;
}

} // namespace troupe::broker
