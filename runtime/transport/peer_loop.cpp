#include "runtime/transport/peer_loop.hpp"

#include "runtime/transport/peer_link.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <limits>
#include <poll.h>
#include <utility>

namespace troupe::transport {

namespace {

constexpr int passes_between_polls = 16;
// A thread normally wakes within this time of its deadline. After a later wake-up, the messages it
// reads may be as old as the wait.
constexpr milliseconds late_wake_min{5};

} // namespace

struct peer_loop::state {
  state(context& zmq, const clock& clock, peer_options given, wake& commands)
      : time{clock}, settings{std::move(given)}, inlet{commands} {
    for (std::size_t i = 0; i < settings.brokers.size(); ++i) {
      links.emplace_back(zmq, settings, static_cast<int>(i));
    }
  }

  void timers(peer_handler& handler, instant now);
  void flush(peer_handler& handler, instant now);
  instant next_due(const peer_handler& handler, instant now) const;
  /// Waits for a socket, the inlet or `until`.
  /// @return whether the inlet rang.
  bool wait(instant until);

  const clock& time;
  peer_options settings;
  wake& inlet;
  wake stop_waker;
  std::atomic<bool> stopping{false};
  std::deque<peer_link> links; // A deque, since links cannot move.
  std::vector<pollfd> watched; // Reused by every wait.
};

void peer_loop::state::timers(peer_handler& handler, instant now) {
  for (peer_link& link : links) {
    link.tend(handler, now);
  }
  if (handler.next_due() <= now) {
    handler.due(now);
  }
}

void peer_loop::state::flush(peer_handler& handler, instant now) {
  for (peer_link& link : links) {
    link.flush(handler, now);
  }
}

instant peer_loop::state::next_due(const peer_handler& handler, instant now) const {
  instant due = std::min(handler.next_due(), now + settings.heartbeat.interval);
  for (const peer_link& link : links) {
    due = std::min(due, link.next_due());
  }
  return due;
}

bool peer_loop::state::wait(instant until) {
  const instant now = time.now();
  bool may_block = until > now;
  watched.clear();
  watched.push_back({inlet.fd(), POLLIN, 0});
  watched.push_back({stop_waker.fd(), POLLIN, 0});
  for (peer_link& link : links) {
    if (dealer* const socket = link.socket()) {
      may_block = may_block && socket->may_wait();
      socket->watch(watched);
    }
  }
  const std::int64_t left = may_block ? std::chrono::ceil<milliseconds>(until - now).count() : 0;
  (void)::poll(
      watched.data(),
      watched.size(),
      static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max())));
  std::size_t place = 2;
  for (peer_link& link : links) {
    if (dealer* const socket = link.socket()) {
      socket->note(&watched[place]);
      place += 2;
    }
  }
  return watched[0].revents != 0;
}

peer_loop::peer_loop(context& zmq, const clock& clock, peer_options settings, wake& inlet)
    : state_{std::make_unique<state>(zmq, clock, std::move(settings), inlet)} {
}

peer_loop::~peer_loop() = default;

int peer_loop::links() const {
  return static_cast<int>(state_->links.size());
}

bool peer_loop::is_up(int number) const {
  return state_->links[static_cast<std::size_t>(number)].is_up();
}

void peer_loop::append(int number, std::string_view header, std::string_view body) {
  if (is_up(number)) {
    state_->links[static_cast<std::size_t>(number)].append(header, body);
  }
}

bool peer_loop::send_batch(int number, std::string_view frame) {
  const bool up = is_up(number);
  if (up) {
    state_->links[static_cast<std::size_t>(number)].send_batch(frame);
  }
  return up;
}

void peer_loop::renew(int number) {
  if (is_up(number)) {
    state_->links[static_cast<std::size_t>(number)].renew();
  }
}

void peer_loop::run(peer_handler& handler) {
  state& self = *state_;
  int passes_without_poll = 0;
  instant now = self.time.now();
  while (!self.stopping.load(std::memory_order_relaxed)) {
    int messages = 0;
    for (peer_link& link : self.links) {
      messages += link.receive(handler, now);
    }
    self.timers(handler, now);
    self.flush(handler, now);
    bool rang = false;
    bool polled = false;
    instant expected = now;
    if (messages == 0 || ++passes_without_poll == passes_between_polls) {
      passes_without_poll = 0;
      polled = true;
      if (messages == 0) {
        expected = std::max(now, self.next_due(handler, now));
      }
      rang = self.wait(expected);
    }
    const instant began = std::exchange(now, self.time.now());
    // The loop wakes at every heartbeat, so a gap this long means that the process was suspended.
    // The brokers have dropped it meanwhile, and messages they sent before are void.
    if (now - expected > self.settings.heartbeat.timeout) {
      for (peer_link& link : self.links) {
        link.drop("this process stood still", handler, now);
      }
    } else if (now - expected > late_wake_min) {
      for (peer_link& link : self.links) {
        link.woke_late(began, now);
      }
    }
    if (polled) {
      for (peer_link& link : self.links) {
        link.take_news(handler, now);
      }
    }
    if (rang || messages > 0) {
      handler.commands(now);
      self.flush(handler, now);
    }
  }
  for (peer_link& link : self.links) {
    link.say_goodbye(handler, now);
  }
}

void peer_loop::stop() {
  state_->stopping.store(true, std::memory_order_relaxed);
  state_->stop_waker.ring();
}

} // namespace troupe::transport
