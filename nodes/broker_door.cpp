#include "nodes/broker_door.hpp"

#include "nodes/link_keys.hpp"
#include "runtime/transport/stranger.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

// Between two lines about keys that were refused: whoever knocks must not fill the disk.
constexpr std::chrono::seconds refusal_log_interval{10};

} // namespace

outcome<std::unique_ptr<broker_door>> broker_door::open(
    transport::context& zmq,
    const topology::plan& plan,
    const std::string& broker,
    observe::event_log& log) {
  auto ring = open_keys(plan, broker);
  if (!ring) {
    return failure{std::move(ring.error())};
  }
  if (*ring == nullptr) {
    return std::unique_ptr<broker_door>{};
  }
  std::unique_ptr<broker_door> made{new broker_door{zmq, std::move(*ring), log}};
  auto zap = transport::zap_server::start(
      zmq,
      [known = made->ring_](const transport::curve_public_key& key) {
        return known->owner_of(key);
      },
      [door = made.get()](const std::string& address, const std::string& why) {
        door->note_refused(address, why);
      });
  if (!zap) {
    return failure{std::move(zap.error())};
  }
  made->zap_ = std::move(*zap);
  return made;
}

outcome<void> broker_door::try_strangers(const std::string& endpoint) {
  const auto tried = transport::let_in_as_stranger(context_, endpoint, ring_->own().public_key);
  if (!tried) {
    return failure{tried.error()};
  }
  if (*tried) {
    return failure{internal_error(fmt::format(
        "{} lets in who has a key that nobody knows: this libzmq does not ask for keys "
        "as it should; nothing is served",
        endpoint))};
  }
  tried_ = zap_->refused();
  is_serving_ = true;
  return {};
}

void broker_door::note_refused(const std::string& address, const std::string& why) {
  if (!is_serving_) {
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  ++untold_;
  if (told_at_ == decltype(told_at_){} || now - told_at_ >= refusal_log_interval) {
    told_at_ = now;
    log_.write(
        "key_refused",
        {{"from", address}, {"why", why}, {"times", std::to_string(std::exchange(untold_, 0))}});
  }
}

std::function<bool(const transport::curve_public_key&)> broker_door::is_valid_key() const {
  return [known = ring_](const auto& key) { return !known->owner_of(key).empty(); };
}

void broker_door::reread(transport::router_loop& loop) {
  if (!reread_keys(*ring_, log_)) {
    return;
  }
  loop.check_keys();
  const transport::curve_pair own = ring_->own();
  if (own.public_key == used_) {
    return;
  }
  if (const auto replaced = loop.replace_key(own.secret_key); !replaced) {
    log_.write(
        "key_not_replaced",
        {{"reason", replaced.error().message},
         {"what", "the key before is used on; send SIGHUP again, or start this broker anew"}});
    return;
  }
  used_ = own.public_key;
  log_.write(
      "key_replaced",
      {{"what", "whoever connects from now on has to know this broker's new key; links stay"}});
}

} // namespace troupe
