#pragma once

#include "runtime/clock.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/outcome.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/security/audit_sample.hpp"
#include "runtime/security/key_ring.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/transport/router_loop.hpp"
#include "runtime/transport/zap_server.hpp"
#include "topology/plan.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace troupe {

/// Access control of a broker whose links have keys: its own keys, and the answers to libzmq's
/// question at each handshake.
///
/// Must be created before the broker's socket, and destroyed after it.
class broker_door {
public:
  /// @return null if the links of `plan` have no keys.
  /// @errors of the folder of keys.
  static outcome<std::unique_ptr<broker_door>> open(
      transport::context& zmq,
      const topology::plan& plan,
      const std::string& broker,
      observe::event_log& log);

  transport::curve_secret_key key() const { return ring_->own().secret_key; }

  /// Connects with an unknown key. The broker must not serve until such a key was refused.
  /// @errors `internal`: the key was accepted, or there was no answer.
  outcome<void> try_strangers(const std::string& endpoint);

  /// Whether this key has an owner now.
  std::function<bool(const transport::curve_public_key&)> is_valid_key() const;

  /// Reads the keys again. `loop` closes the links whose keys no longer have an owner, and listens
  /// with the broker's own key if that has changed.
  void reread(transport::router_loop& loop);

  /// The number of refused strangers.
  std::uint64_t refused() const { return zap_->refused() - tried_; }

private:
  broker_door(
      transport::context& zmq, std::shared_ptr<security::key_ring> ring, observe::event_log& log);

  void note_refused(const std::string& address, const std::string& why);

  transport::context& context_;
  const std::shared_ptr<security::key_ring> ring_;
  observe::event_log& log_;
  transport::curve_public_key used_; // The key in use by the listening socket.
  std::uint64_t tried_ = 0;          // Attempts made by this process itself.
  std::atomic<bool> is_serving_{false};
  // Used on the thread of the zap_server.
  const system_clock time_;
  const secret_hash place_of_;
  security::audit_sample refusals_;
  std::unique_ptr<transport::zap_server> zap_;
};

} // namespace troupe
