#include "runtime/broker/server/peer_sender.hpp"

#include "runtime/wire/departure.hpp"
#include "runtime/wire/envelope.hpp"

#include <utility>

namespace troupe::broker {

using transport::framing;
using transport::sent;

void peer_sender::close(login_id whom) {
  loop_.close_batch(logins_[whom].batch);
  logins_.remove(whom);
}

void peer_sender::answer(origin to, std::string_view header, std::string_view body) {
  if (body.size() > body_bytes_max_) {
    return refuse_too_large(to, header, body.size());
  }
  if (framing_of(to) != framing::batched) {
    undeliverable_ += send(to, header, body) == sent::queued ? 0U : 1U;
  } else if (const login_id whom = logins_.find(peer_of(to)); whom != login_id{nowhere}) {
    append(whom, header, body);
  } else {
    ++undeliverable_;
  }
}

/// A frame beyond the limit would cut the asker's connection, and again when it asks anew.
void peer_sender::refuse_too_large(origin to, std::string_view header, std::size_t bytes) {
  const auto read = wire::scan_header(header);
  auto fits = wire::check_departure({.what = "the answer", .body_bytes = bytes}, body_bytes_max_);
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
  answer(has_batch ? to : unbatched(to), header_, {});
}

} // namespace troupe::broker
