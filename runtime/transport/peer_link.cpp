#include "runtime/transport/peer_link.hpp"

#include "runtime/backoff.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::transport {

namespace {

constexpr int messages_per_pass_max = 64; // Mostly batches.
// Wait before the next login after a refusal.
constexpr milliseconds login_backoff_first{50};
constexpr milliseconds login_backoff_max{1000};
// Wait before retrying an endpoint that libzmq rejects, which is unlikely to become valid.
constexpr milliseconds unusable_retry{5000};

/// Memory that a `frame_ref` keeps alive: a batch, or a header and a body.
struct kept_message {
  zmq::message_t first;
  zmq::message_t second;
};

error why_not_let_in(monitor::event how, bool has_keys) {
  const std::string_view why =
      how == monitor::event::key_refused
          ? "the broker refused the key of this process: the broker's folder of keys needs its "
            "public one, and a SIGHUP to read it"
      : how == monitor::event::handshake_ended
          ? "the connection ended in the handshake: the broker's key is another one than expected, "
            "or it just stopped"
      : has_keys ? "the broker has no keys, and this process does"
                 : "the broker takes nobody without a key there; give the topology instead of an "
                   "address, or ask where it is `open`";
  return {.code = errc::unauthenticated, .message = std::string{why}};
}

std::string plain_header(wire::kind kind) {
  std::string header;
  wire::append_plain_header(header, kind);
  return header;
}

} // namespace

peer_link::peer_link(context& zmq, const peer_options& settings, int number)
    : zmq_{zmq}, settings_{settings}, number_{number}, proof_{settings.keys, number},
      timeout_{settings.heartbeat.timeout} {
}

void peer_link::connect(peer_handler& handler, instant now) {
  const std::string& endpoint = settings_.brokers[static_cast<std::size_t>(number_)];
  auto keys = proof_.begin(now);
  if (!keys) {
    return give_up(keys.error(), handler, now);
  }
  socket_.emplace(
      zmq_,
      settings_.heartbeat,
      wire::frame_bytes_max(settings_.body_bytes_max),
      *keys ? &**keys : nullptr);
  if (const std::string why = socket_->connect(endpoint); !why.empty()) {
    close(0);
    retry_at_ = now + unusable_retry;
    return handler.refused(
        number_,
        {.code = errc::unavailable,
         .message = fmt::format("cannot connect to {}: {}; fix the endpoint", endpoint, why)},
        now);
  }
  phase_ = phase::connecting;
  heard_at_ = now;
}

void peer_link::close(int linger_ms) {
  if (socket_) {
    socket_->linger(linger_ms);
    socket_.reset();
  }
  out_.clear();
  is_stuck_ = false;
  late_waits_.clear();
  phase_ = phase::down;
}

void peer_link::drop(std::string_view why, peer_handler& handler, instant now) {
  const bool was_up = phase_ == phase::up;
  close(0);
  retry_at_ = now;
  if (was_up) {
    handler.lost(number_, why, now);
  }
}

void peer_link::log_in(peer_handler& handler, instant now) {
  const std::string header = plain_header(wire::kind::hello);
  wire::hello who = handler.hello(number_);
  if (proof_.token()) {
    who.token = proof_.token()->text;
  }
  const std::string body = wire::encoded(who);
  if (!socket_->send(header, true) || !socket_->send(body)) {
    return drop("the connection ended before HELLO", handler, now);
  }
  phase_ = phase::logging_in;
  heard_at_ = now;
}

void peer_link::give_up(const error& why, peer_handler& handler, instant now) {
  close(0);
  retry_at_ = now + backoff_after(proof_.refused(), login_backoff_first, login_backoff_max);
  handler.refused(number_, why, now);
}

void peer_link::take_news(peer_handler& handler, instant now) {
  while (socket_) {
    const monitor::event news = socket_->next_news();
    switch (news) {
    case monitor::event::none:
      return;
    case monitor::event::connected:
      if (phase_ == phase::connecting) {
        log_in(handler, now);
      }
      break;
    case monitor::event::disconnected:
      if (phase_ != phase::connecting) {
        return drop("the connection was closed", handler, now);
      }
      break;
    case monitor::event::key_refused:
    case monitor::event::keys_differ:
    case monitor::event::handshake_ended:
      // Without keys, the broker has closed the connection meanwhile; libzmq reconnects by itself.
      if (phase_ == phase::connecting
          && (news != monitor::event::handshake_ended || settings_.keys)) {
        give_up(why_not_let_in(news, settings_.keys != nullptr), handler, now);
      }
      break;
    default:
      break;
    }
  }
}

int peer_link::receive(peer_handler& handler, instant now) {
  int messages = 0;
  while (socket_ && messages < messages_per_pass_max) {
    zmq::message_t message;
    if (!socket_->receive(message)) {
      break;
    }
    ++messages;
    if (settings_.silence_noticed && late_waits_.empty()
        && now - heard_at_ > *settings_.silence_noticed) {
      woke_late(heard_at_, now);
    }
    heard_at_ = now;
    take_frame(std::move(message), handler, now);
  }
  return messages;
}

void peer_link::take_frame(zmq::message_t&& message, peer_handler& handler, instant now) {
  const auto kept = std::make_shared<kept_message>();
  kept->first = std::move(message);
  // libzmq delivers messages whole: once the first frame has arrived, so have the others.
  bool more = kept->first.more();
  if (more && socket_->receive(kept->second)) {
    zmq::message_t surplus;
    for (more = kept->second.more(); more && socket_->receive(surplus);) {
      more = surplus.more();
    }
  }
  const std::string_view bytes = view(kept->first);
  wire::envelope_view envelope{bytes, view(kept->second)};
  if (wire::batch_reader::is_batch(bytes)) {
    wire::batch_reader envelopes{bytes};
    while (envelopes.next(envelope)) {
      take(envelope, kept, handler, now);
    }
  } else {
    take(envelope, kept, handler, now);
  }
  handler.frame_done(now);
}

void peer_link::take(
    const wire::envelope_view& envelope,
    const frame_ref& frame,
    peer_handler& handler,
    instant now) {
  if (phase_ == phase::up) {
    if (proof_.is_awaited() && proof_.take_answer(envelope.header, now)) {
      return;
    }
    const instant came = late_waits_.empty() ? now : arrival(now);
    handler.received(number_, envelope.header, envelope.body, frame, came);
    if (!late_waits_.empty()) {
      const auto header = wire::scan_header(envelope.header);
      if (header && header->kind == wire::kind::pong) {
        late_waits_.pop_front();
      }
    }
    return;
  }
  if (const auto header = wire::scan_header(envelope.header)) {
    take_login_answer(*header, envelope.body, handler, now);
  }
}

void peer_link::take_login_answer(
    const wire::header_view& header, std::string_view body, peer_handler& handler, instant now) {
  if (phase_ != phase::logging_in) {
    return;
  }
  if (header.kind == wire::kind::welcome) {
    const auto welcome = wire::checked_decode<wire::welcome>(body);
    if (!welcome) {
      return;
    }
    phase_ = phase::up;
    proof_.accepted();
    // A timeout shorter than the broker's own ping interval requires would end every link at once.
    timeout_ = std::max(settings_.heartbeat.interval, milliseconds{welcome->timeout_ms});
    ponged_at_ = now;
    handler.welcomed(number_, *welcome, now);
  } else if (header.kind == wire::kind::reply && header.status == wire::status::error) {
    const auto why = wire::read_error(header.error);
    give_up(why ? *why : internal_error("the login was refused"), handler, now);
  }
}

void peer_link::tend(peer_handler& handler, instant now) {
  if (phase_ == phase::down && retry_at_ <= now) {
    connect(handler, now);
  } else if (phase_ == phase::logging_in && now - heard_at_ > timeout_) {
    drop("no answer to HELLO", handler, now);
  } else if (phase_ == phase::up && now - heard_at_ > timeout_) {
    drop("the broker fell silent", handler, now);
  } else if (phase_ == phase::up && now - ponged_at_ >= settings_.heartbeat.interval) {
    ponged_at_ = now;
    out_.append(plain_header(wire::kind::pong), wire::encoded(handler.progress(now)));
  }
  const auto renewed = phase_ == phase::up ? proof_.renew(now) : link_proof::renewal::none;
  if (renewed == link_proof::renewal::login) {
    renew();
  } else if (renewed == link_proof::renewal::token) {
    proof_.append_renewal(out_);
  }
}

/// Records that the thread woke late: anything that arrives before the broker answers a ping sent
/// now may have been sent at any time during the wait.
void peer_link::woke_late(instant began, instant now) {
  if (phase_ == phase::up) {
    late_waits_.push_back({began, now});
    // The broker answers a ping inside a batch in order with the other messages.
    out_.append(plain_header(wire::kind::ping), {});
  }
}

instant peer_link::arrival(instant now) {
  // A broker that was itself stalled has dropped the ping, so stop waiting for its answer.
  while (!late_waits_.empty() && now - late_waits_.front().ended > settings_.heartbeat.timeout) {
    late_waits_.pop_front();
  }
  return late_waits_.empty() ? now : late_waits_.front().began;
}

void peer_link::send(std::string_view bytes) {
  is_stuck_ = is_stuck_ || !socket_->send(bytes);
}

void peer_link::send_open_batch() {
  if (!out_.empty()) {
    send(out_.frame());
    out_.clear();
  }
}

void peer_link::append(std::string_view header, std::string_view body) {
  out_.append(header, body);
  if (out_.bytes() > wire::batch_bytes_target) {
    send_open_batch();
  }
}

void peer_link::send_batch(std::string_view frame) {
  send_open_batch();
  send(frame);
}

void peer_link::flush(peer_handler& handler, instant now) {
  if (phase_ != phase::up) {
    return;
  }
  send_open_batch();
  if (is_stuck_) {
    drop("the connection takes nothing more, or the login is no longer known", handler, now);
  }
}

void peer_link::say_goodbye(peer_handler& handler, instant now) {
  const bool is_up = phase_ == phase::up;
  if (is_up) {
    out_.append(plain_header(wire::kind::bye), {});
  }
  flush(handler, now);
  close(is_up ? linger_at_stop_ms : 0); // Before login nothing was sent that is worth waiting for.
}

} // namespace troupe::transport
