#include "nodes/broker_door.hpp"

#include "nodes/link_keys.hpp"
#include "runtime/security/audit_line.hpp"
#include "runtime/transport/stranger.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

// Addresses are hashed to this many series of log lines, so that strangers cannot fill the disk,
// however many they are.
constexpr std::size_t address_series = 16;
constexpr std::chrono::seconds address_interval{10};

} // namespace

broker_door::broker_door(
    transport::context& zmq, std::shared_ptr<security::key_ring> ring, observe::event_log& log)
    : context_{zmq}, ring_{std::move(ring)}, log_{log}, used_{ring_->own().public_key},
      refusals_{address_series, address_interval} {
}

outcome<std::unique_ptr<broker_door>> broker_door::open(
    transport::context& zmq,
    const topology::plan& plan,
    const std::string& broker,
    observe::event_log& log) {
  TROUPE_TRY(auto ring, open_keys(plan, broker));
  if (ring == nullptr) {
    return std::unique_ptr<broker_door>{};
  }
  std::unique_ptr<broker_door> made{new broker_door{zmq, std::move(ring), log}};
  TROUPE_TRY(
      made->zap_,
      transport::zap_server::start(
          zmq,
          [known = made->ring_](const transport::curve_public_key& key) {
            return known->owner_of(key);
          },
          [door = made.get()](const std::string& address, const std::string& why) {
            door->note_refused(address, why);
          }));
  return made;
}

outcome<void> broker_door::try_strangers(const std::string& endpoint) {
  TROUPE_TRY(
      const auto tried, transport::let_in_as_stranger(context_, endpoint, ring_->own().public_key));
  if (tried) {
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
  if (const auto count = refusals_.note(place_of_(address) % address_series, time_.now())) {
    log_.write(
        security::audit_event,
        security::audit_line(
            {.act = "connect",
             .what = "a link",
             .rule = "security.keys",
             .from = address,
             .why = why},
            *count));
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
