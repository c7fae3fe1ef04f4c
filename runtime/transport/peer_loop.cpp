#include "runtime/transport/peer_loop.hpp"

#include "runtime/transport/peer_loop_state.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace troupe::transport {

namespace {

constexpr int turns_between_polls = 16;
// Waking this late is usual. Later, and what is read is older than it looks.
constexpr milliseconds late_wake_min{5};
// How long BYE and the last replies may take to leave.
constexpr int linger_at_stop_ms = 300;

} // namespace

void peer_loop::state::report_progress(link& link, peer_handler& handler, instant now) {
  if (now - link.ponged_at < settings.heartbeat.interval) {
    return;
  }
  link.ponged_at = now;
  std::string header;
  wire::append_plain_header(header, wire::kind::pong);
  link.out.append(header, wire::encoded(handler.progress(now)));
}

/// The process was stopped, or had no processor, since `began`: what comes before the broker
/// answers a ping sent now may have been sent at any time since.
void peer_loop::state::woke_late(instant began, instant now) {
  std::string header;
  wire::append_plain_header(header, wire::kind::ping);
  for (link& each : links) {
    if (each.phase == link::phase::up) {
      each.late_waits.push_back({began, now});
      each.out.append(header, {}); // Answered in its turn among the calls, being in a batch.
    }
  }
}

/// When what is read `now` came at the earliest.
instant peer_loop::state::arrival(link& link, instant now) const {
  // A broker that itself stood still has dropped our ping.
  while (!link.late_waits.empty()
         && now - link.late_waits.front().ended > settings.heartbeat.timeout) {
    link.late_waits.pop_front();
  }
  return link.late_waits.empty() ? now : link.late_waits.front().began;
}

void peer_loop::state::timers(peer_handler& handler, instant now) {
  for (std::size_t i = 0; i < links.size(); ++i) {
    link& link = links[i];
    const int index = static_cast<int>(i);
    if (link.phase == link::phase::down && link.retry_at <= now) {
      connect(index, handler, now);
    } else if (link.phase == link::phase::logging_in && now - link.heard_at > link.timeout) {
      drop(index, "no answer to HELLO", handler, now);
    } else if (link.phase == link::phase::up) {
      if (now - link.heard_at > link.timeout) {
        drop(index, "the broker fell silent", handler, now);
      } else {
        report_progress(link, handler, now);
      }
    }
  }
  if (handler.next_due() <= now) {
    handler.due(now);
  }
}

void peer_loop::state::send(link& link, std::string_view bytes) {
  if (!link.is_stuck) {
    link.drained = false;
    zmq::message_t frame{bytes.data(), bytes.size()};
    link.is_stuck = send_frame(*link.socket, frame, false) != sent::queued;
  }
}

void peer_loop::state::close_batch(link& link) {
  send(link, link.out.frame());
  link.out.clear();
}

void peer_loop::state::flush(peer_handler& handler, instant now) {
  for (std::size_t i = 0; i < links.size(); ++i) {
    link& link = links[i];
    if (link.phase != link::phase::up) {
      continue;
    }
    if (!link.out.empty()) {
      close_batch(link);
    }
    if (link.is_stuck) {
      drop(
          static_cast<int>(i),
          "the connection takes nothing more, or the login is no longer known",
          handler,
          now);
    }
  }
}

instant peer_loop::state::next_due(const peer_handler& handler, instant now) const {
  instant due = std::min(handler.next_due(), now + settings.heartbeat.interval);
  for (const link& link : links) {
    if (link.phase == link::phase::down) {
      due = std::min(due, link.retry_at);
    }
  }
  return due;
}

bool peer_loop::state::wait(instant until) {
  const instant now = time.now();
  bool may_block = until > now;
  watched.clear();
  watched.push_back({inlet.fd(), POLLIN, 0});
  watched.push_back({stop_waker.fd(), POLLIN, 0});
  for (link& link : links) {
    if (link.socket) {
      may_block = may_block && !link.has_news && (link.drained || !can_receive(*link.socket));
      watched.push_back({link.descriptor, POLLIN, 0});
      watched.push_back({link.connection->descriptor(), POLLIN, 0});
    }
  }
  const std::int64_t left = may_block ? std::chrono::ceil<milliseconds>(until - now).count() : 0;
  (void)::poll(
      watched.data(),
      watched.size(),
      static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max())));
  std::size_t place = 2;
  for (link& link : links) {
    if (link.socket) {
      link.has_news = link.has_news || watched[place + 1].revents != 0;
      place += 2;
    }
  }
  return watched[0].revents != 0;
}

peer_loop::peer_loop(context& zmq, const clock& clock, options settings, wake& inlet)
    : state_{std::make_unique<state>(zmq, clock, std::move(settings), inlet)} {
}

peer_loop::~peer_loop() = default;

int peer_loop::links() const {
  return static_cast<int>(state_->links.size());
}

bool peer_loop::is_up(int number) const {
  return state_->links[static_cast<std::size_t>(number)].phase == link::phase::up;
}

void peer_loop::append(int number, std::string_view header, std::string_view body) {
  if (!is_up(number)) {
    return;
  }
  link& to = state_->links[static_cast<std::size_t>(number)];
  to.out.append(header, body);
  if (to.out.bytes() > wire::batch_bytes_target) {
    state_->close_batch(to);
  }
}

bool peer_loop::send_batch(int number, std::string_view frame) {
  if (!is_up(number)) {
    return false;
  }
  link& to = state_->links[static_cast<std::size_t>(number)];
  // What was appended before leaves before.
  if (!to.out.empty()) {
    state_->close_batch(to);
  }
  state_->send(to, frame);
  return true;
}

void peer_loop::renew(int number) {
  if (is_up(number)) {
    state_->links[static_cast<std::size_t>(number)].is_stuck = true;
  }
}

void peer_loop::run(peer_handler& handler) {
  state& self = *state_;
  int turns_without_poll = 0;
  instant now = self.time.now();
  while (!self.stopping.load(std::memory_order_relaxed)) {
    int messages = 0;
    for (int i = 0; i < links(); ++i) {
      messages += self.receive(i, handler, now);
    }
    self.timers(handler, now);
    self.flush(handler, now);
    bool rang = false;
    bool polled = false;
    instant expected = now;
    if (messages == 0 || ++turns_without_poll == turns_between_polls) {
      turns_without_poll = 0;
      polled = true;
      if (messages == 0) {
        expected = std::max(now, self.next_due(handler, now));
      }
      rang = self.wait(expected);
    }
    const instant began = std::exchange(now, self.time.now());
    // The loop wakes at every heartbeat: a gap this long means the process was stopped, and what
    // waits for it here was meant for somebody who has been given up.
    if (now - expected > self.settings.heartbeat.timeout) {
      for (int i = 0; i < links(); ++i) {
        self.drop(i, "this process stood still", handler, now);
      }
    } else if (now - expected > late_wake_min) {
      self.woke_late(began, now);
    }
    for (int i = 0; polled && i < links(); ++i) {
      if (std::exchange(self.links[static_cast<std::size_t>(i)].has_news, false)) {
        self.watch(i, handler, now);
      }
    }
    if (rang || messages > 0) {
      handler.commands(now);
      self.flush(handler, now);
    }
  }
  self.say_goodbye(handler);
}

void peer_loop::state::say_goodbye(peer_handler& handler) {
  std::string bye;
  wire::append_plain_header(bye, wire::kind::bye);
  for (link& each : links) {
    if (each.phase == link::phase::up) {
      each.out.append(bye, {});
    }
  }
  flush(handler, time.now());
  for (link& each : links) {
    close(each, linger_at_stop_ms);
  }
}

void peer_loop::stop() {
  state_->stopping.store(true, std::memory_order_relaxed);
  state_->stop_waker.ring();
}

} // namespace troupe::transport
