#include "runtime/http/connection.hpp"

#include "runtime/http/connection_exchange.hpp"
#include "runtime/thrown.hpp"

#include <boost/asio/buffer.hpp>

#include <chrono>
#include <utility>

namespace troupe::http {

namespace {

using boost::system::error_code;

/// Bytes per read: few for a head, so that an idle connection holds little memory; more for a body.
constexpr std::size_t head_read_bytes = 2 * 1'024;
constexpr std::size_t body_read_bytes = 16 * 1'024;

wall_time wall_now() {
  return std::chrono::system_clock::now();
}

void write_counted(
    byte_stream& to, shared_counts& counts, std::string bytes, byte_stream::done then) {
  counts.bytes_written.add(bytes.size());
  to.write(std::move(bytes), std::move(then));
}

} // namespace

connection::connection(
    std::unique_ptr<byte_stream> stream,
    const boost::asio::any_io_executor& executor,
    peer_address peer,
    connection_host& host)
    : stream_{std::move(stream)}, peer_{std::move(peer)}, host_{host},
      deadline_{std::make_shared<deadline_timer>(executor)}, scanner_{host.options.request} {
}

void connection::start() {
  watch_deadline();
  deadline_->set(host_.options.request.head);
  stream_->handshake([self = shared_from_this()](error_code why) {
    if (self->phase_ != phase::handshake) {
      return;
    }
    if (why) {
      self->host_.counts.handshakes_failed.add();
      self->cut();
    } else {
      self->next_request();
    }
  });
}

void connection::watch_deadline() {
  deadline_->begin([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->on_late();
    }
  });
}

void connection::start_refused(const problem& why) {
  watch_deadline();
  write_answer(to_response(why));
}

void connection::drain() {
  if (phase_ == phase::handshake) {
    cut();
  } else if (phase_ == phase::head && received_.empty() && !stream_->has_input()) {
    // Ends the pending read; input that has arrived but was not processed yet is still handled.
    stream_->cancel();
  }
}

void connection::cut() {
  if (phase_ == phase::closed) {
    return;
  }
  phase_ = phase::closed;
  body_.reset();
  deadline_->end();
  stream_->close();
  if (is_answered_) {
    is_answered_->store(true);
  }
  if (channel_) {
    channel_->end();
  }
  host_.ended(*this);
}

// --- Reading ------------------------------------------------------------------------------------

void connection::next_request() {
  phase_ = phase::head;
  scanner_ = head_scanner{host_.options.request};
  head_.reset();
  body_.reset();
  if (!received_.empty()) {
    deadline_->set(host_.options.request.head);
  }
  scan_head();
}

void connection::scan_head() {
  if (const std::size_t before = scanner_.pass_over(received_.bytes()); before > 0) {
    received_.use(before);
  }
  if (received_.empty()) {
    if (host_.is_draining && !stream_->has_input()) {
      say_farewell();
      return;
    }
    if (has_served_) {
      deadline_->set(host_.options.request.idle);
    }
    received_.shrink();
    read_more(head_read_bytes);
    return;
  }
  const auto found = scanner_.scan(received_.bytes());
  if (!found) {
    refuse(found.error());
  } else if (*found > 0) {
    begin_request(*found);
  } else {
    read_more(head_read_bytes);
  }
}

void connection::begin_request(std::size_t head_bytes) {
  const std::string_view bytes = received_.bytes().substr(0, head_bytes);
  auto read = read_head(bytes, host_.options.request, host_.options.hosts);
  if (!read) {
    refuse(read.error());
    return;
  }
  head_ = std::move(*read);
  if (head_->has_body()) {
    body_.emplace(*head_, host_.options.request, host_.bodies, peer_.host);
  } else {
    body_.emplace(*head_, host_.options.request);
  }
  received_.use(head_bytes);
  host_.counts.requests.add();
  phase_ = phase::body;
  deadline_->set(host_.options.request.body);
  if (!head_->expects_continue || !head_->has_body() || !received_.empty()) {
    read_body();
    return;
  }
  stream_->write("HTTP/1.1 100 Continue\r\n\r\n", [self = shared_from_this()](error_code why) {
    if (self->phase_ != phase::body) {
      return;
    }
    if (why) {
      self->host_.counts.aborted.add();
      self->cut();
    } else {
      self->read_body();
    }
  });
}

void connection::read_body() {
  const auto taken = body_->read(received_.bytes());
  if (!taken) {
    refuse(taken.error());
    return;
  }
  received_.use(*taken);
  if (body_->is_complete()) {
    hand_over();
  } else {
    read_more(body_read_bytes);
  }
}

void connection::hand_over() {
  phase_ = phase::handler;
  deadline_->set(host_.options.request.handler);
  is_answered_ = std::make_shared<std::atomic<bool>>(false);
  const responder answers{std::make_shared<connection_exchange>(
      weak_from_this(),
      host_.mailbox,
      is_answered_,
      head_->is_http_1_0,
      host_.options.request.stream_bytes_max)};
  try {
    host_.handler(
        {.method = head_->method,
         .target = std::move(head_->target),
         .fields = std::move(head_->fields),
         .body = body_->take(),
         .peer = peer_},
        answers);
  } catch (...) {
    if (host_.faults) {
      host_.faults(what_was_thrown());
    }
    answers.respond({500, "handler_failed", "the handler of this request failed"});
  }
  body_.reset();
}

void connection::read_more(std::size_t bytes) {
  stream_->read_some(
      boost::asio::buffer(received_.room(bytes), bytes),
      [self = shared_from_this()](error_code why, std::size_t got) { self->on_read(why, got); });
}

void connection::on_read(error_code why, std::size_t bytes) {
  if (phase_ != phase::head && phase_ != phase::body) {
    return; // Refused or closed meanwhile.
  }
  if (phase_ == phase::head && received_.empty() && bytes > 0 && has_served_) {
    deadline_->set(host_.options.request.head);
  }
  const bool was_idle = phase_ == phase::head && received_.empty();
  received_.add(bytes);
  host_.counts.bytes_read.add(bytes);
  if (why) {
    if (!was_idle) {
      host_.counts.aborted.add();
    }
    say_farewell();
  } else if (phase_ == phase::head) {
    scan_head();
  } else {
    read_body();
  }
}

// --- Answering ----------------------------------------------------------------------------------

answer_frame connection::frame() const {
  return {
      .framing = body_framing::length,
      .omits_body = head_ && head_->method == method::head,
      .keeps_alive = phase_ == phase::handler && head_ && head_->keeps_alive && !host_.is_draining,
      .is_http_1_0 = head_ && head_->is_http_1_0};
}

void connection::refuse(const problem& why) {
  host_.counts.gate_refusals.add();
  body_.reset();
  if (head_) {
    head_->keeps_alive = false;
  }
  response said = to_response(why);
  if (host_.options.fields_of_refusals) {
    // A head that could not be parsed is still in the buffer.
    const std::string origin = head_ ? std::string{find(head_->fields, "origin").value_or("")}
                                     : origin_of(received_.bytes());
    const field_list more = host_.options.fields_of_refusals(origin);
    said.fields.insert(said.fields.end(), more.begin(), more.end());
  }
  write_answer(said);
}

void connection::answer(const response& how) {
  if (phase_ == phase::handler) {
    write_answer(how);
  }
}

void connection::write_answer(const response& answer, body_framing framing) {
  answer_frame how = frame();
  how.framing = framing;
  phase_ = phase::writing;
  deadline_->set(host_.options.request.write);
  const auto digit = static_cast<std::size_t>(answer.status / 100);
  host_.counts.answers.at(digit < host_.counts.answers.size() ? digit : 5).add();
  has_served_ = true;
  std::string bytes = written_answer(answer, how, wall_now());
  const std::size_t sent = stream_->write_now(bytes);
  host_.counts.bytes_written.add(sent);
  if (sent == bytes.size() && received_.empty()) {
    // Waits for the next request; no handler is called, so this does not recurse.
    on_written({}, how.keeps_alive);
    return;
  }
  // Pipelined input is read from the event loop, so that a hundred requests do not nest a hundred
  // calls deep.
  bytes.erase(0, sent);
  write_counted(
      *stream_,
      host_.counts,
      std::move(bytes),
      [self = shared_from_this(), keeps = how.keeps_alive](error_code why) {
        self->on_written(why, keeps);
      });
}

void connection::on_written(error_code why, bool keeps_alive) {
  if (phase_ != phase::writing) {
    return;
  }
  if (why) {
    host_.counts.cut.add();
    cut();
  } else if (keeps_alive) {
    next_request();
  } else {
    say_farewell();
  }
}

// --- Streams ------------------------------------------------------------------------------------

void connection::begin_stream(
    const response& head, const std::shared_ptr<stream_channel>& channel) {
  if (phase_ != phase::handler) {
    channel->end();
    return;
  }
  answer_frame how = frame();
  how.framing = how.is_http_1_0 ? body_framing::until_close : body_framing::chunked;
  if (how.omits_body) {
    channel->end();
    // No Content-Length: the body that GET would have is not known.
    // @source RFC 9110, 8.6.
    write_answer(head, how.framing);
    return;
  }
  how.keeps_alive = false;
  phase_ = phase::streaming;
  channel_ = channel;
  deadline_->set(host_.options.request.write);
  host_.counts.answers.at(static_cast<std::size_t>(head.status / 100)).add();
  host_.counts.streams.add();
  is_sending_ = true;
  write_counted(
      *stream_,
      host_.counts,
      written_answer(head, how, wall_now()),
      [self = shared_from_this()](error_code why) { self->on_stream_written(why); });
  watch_peer();
}

void connection::on_stream_written(error_code why) {
  is_sending_ = false;
  if (phase_ != phase::streaming) {
    return;
  }
  if (why) {
    host_.counts.cut.add();
    cut();
    return;
  }
  deadline_->clear();
  flush_stream();
}

void connection::flush_stream() {
  if (phase_ != phase::streaming || is_sending_) {
    return;
  }
  stream_channel::step next = channel_->take();
  if (!next.bytes.empty()) {
    is_sending_ = true;
    deadline_->set(host_.options.request.write);
    write_counted(
        *stream_, host_.counts, std::move(next.bytes), [self = shared_from_this()](error_code why) {
          self->on_stream_written(why);
        });
  } else if (next.is_finished) {
    stream_->cancel(); // Ends `watch_peer`.
    say_farewell();
  } else if (next.is_abandoned) {
    host_.counts.cut.add();
    cut();
  }
}

void connection::watch_peer() {
  stream_->read_some(
      boost::asio::buffer(discarded_), [self = shared_from_this()](error_code why, std::size_t) {
        if (self->phase_ != phase::streaming) {
          return;
        }
        if (why) {
          // Also if the peer has only ended its sending side: a reader of a stream does not do
          // that.
          self->cut();
        } else {
          self->watch_peer();
        }
      });
}

// --- Ending -------------------------------------------------------------------------------------

void connection::say_farewell() {
  // Closing a socket with unread input resets the connection, which may destroy the last answer
  // before the peer has read it. So read and discard input first.
  phase_ = phase::farewell;
  body_.reset();
  deadline_->set(host_.options.request.farewell);
  stream_->end_sending([self = shared_from_this()](error_code why) {
    if (why) {
      self->cut();
    } else {
      self->discard();
    }
  });
}

void connection::discard() {
  if (phase_ != phase::farewell) {
    return;
  }
  stream_->discard_some(
      boost::asio::buffer(discarded_), [self = shared_from_this()](error_code why, std::size_t) {
        if (why) {
          self->cut();
        } else {
          self->discard();
        }
      });
}

void connection::on_late() {
  switch (phase_) {
  case phase::handshake:
    host_.counts.handshakes_failed.add();
    cut();
    break;
  case phase::head:
    if (received_.empty() && stream_->has_input()) {
      // Input arrived just in time; its read is about to complete.
      deadline_->set(host_.options.request.head);
      break;
    }
    if (received_.empty()) {
      stream_->cancel();
      say_farewell();
      break;
    }
    [[fallthrough]];
  case phase::body:
    stream_->cancel();
    refuse({408, "request_timeout", "the request did not come in whole in time"});
    break;
  case phase::handler:
    if (!is_answered_->exchange(true)) {
      refuse(
          {503,
           "handler_timeout",
           "no answer was found in time; it may come later elsewhere",
           {},
           {{"retry_after_ms", 1'000}}});
    }
    break;
  case phase::streaming:
    host_.counts.slow_readers.add();
    [[fallthrough]];
  case phase::writing:
    host_.counts.cut.add();
    cut();
    break;
  case phase::farewell:
    cut();
    break;
  case phase::closed:
    break;
  }
}

} // namespace troupe::http
