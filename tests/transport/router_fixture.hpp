#pragma once

#include "runtime/clock.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/transport/router_loop.hpp"

#include <zmq.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::transport {

using namespace std::chrono_literals;

/// Tells each peer what the loop made of its message: framing and header as the reply's header, the
/// body as its body. Some headers are orders, see `received`.
class telling_handler : public router_handler {
public:
  explicit telling_handler(const clock& time) : time_{time} {}

  /// Set before `run`.
  router_loop* loop = nullptr;
  /// Kept when the peer that said "watch me" was found gone.
  std::promise<instant> found_gone;
  /// How many messages there were of a peer that said "count me", when it was gone.
  std::promise<int> counted;
  /// Its messages are counted once this is set.
  std::promise<void> left;
  /// Envelopes "spin", each of which takes 10 us.
  std::atomic<int> spun{0};
  /// "2 of a b" once the loop ends as many connections with the keys of these.
  std::promise<std::string> expired;
  /// Set once the loop ends a connection that is stuck.
  std::promise<void> found_stuck;

  void received(
      peer from, framing how, std::string_view header, std::string_view body, instant now) override;
  void malformed(peer from, framing how, std::string_view why, instant now) override;

  bool takes_batches(peer, instant) override { return true; }

  void flooded(peer from, framing how, std::string_view header, instant now) override;

  void connection_ended(int, instant) override {}

  void link_closed(instant now) override;

  void keys_expired(const std::set<std::string>& owners, std::size_t links, instant) override {
    std::string told = std::to_string(links) + " of";
    for (const std::string& each : owners) {
      told += " " + each;
    }
    expired.set_value(told);
  }

  void gone(peer whom, instant now) override;

  void stood_still(instant::duration, instant) override {}

  void stuck(std::size_t, instant) override {
    if (!std::exchange(is_stuck_told_, true)) {
      found_stuck.set_value();
    }
  }

  void crowded(instant) override {}

  instant next_due() const override { return due_; }

  void due(instant now) override;

private:
  void ping(instant now);

  const clock& time_;
  std::optional<peer> watched_;
  std::optional<std::uint32_t> batch_;
  std::optional<peer> counted_peer_;
  int count_ = 0;
  bool is_stuck_told_ = false;
  instant due_{};
};

/// A loop on a port that the system chose, and sockets to it.
struct router_fixture {
  router_fixture();
  ~router_fixture();

  using frames = std::vector<std::string>;

  zmq::socket_t connect(zmq::socket_type type, std::string_view routing_id = {});
  static void send(zmq::socket_t& socket, const frames& message);
  /// What comes within `wait`; nothing if nothing does.
  static frames receive(zmq::socket_t& socket, std::chrono::milliseconds wait = 5s);
  frames ask(zmq::socket_t& socket, const frames& message);
  int port() const;

  system_clock time;
  context broker_zmq;
  zmq::context_t peer_zmq{1};
  std::unique_ptr<router_loop> loop;
  telling_handler handler{time};
  std::thread runner;
};

} // namespace troupe::transport
