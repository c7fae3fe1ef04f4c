#pragma once

#include "runtime/transport/named_peers.hpp"
#include "runtime/transport/router_loop.hpp"
#include "runtime/transport/unread.hpp"
#include "runtime/wire/batch.hpp"

#include <zmq.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::transport {

/// The outgoing messages of a router_loop: some leave at once, batches when its pass ends. Belongs
/// to the loop's thread; the members are those of router_loop.
class outgoing {
public:
  /// @param socket, named outlive this.
  outgoing(zmq::socket_t& socket, const named_peers& named, const unread& bound)
      : socket_{socket}, named_{named}, unread_{bound} {}

  sent
  send(peer to, framing how, std::string_view header, std::string_view body, std::size_t beyond);
  bool has_room(peer to, std::size_t bytes);

  std::size_t unread_bytes() const { return unread_.all(); }

  std::uint32_t open_batch(peer to, bool is_bounded);
  sent
  append(std::uint32_t batch, std::string_view header, std::string_view body, std::size_t beyond);
  void close_batch(std::uint32_t batch);

  /// Sends what is in the batches. @param lost receives the peers whose batch could not be sent.
  void flush(std::vector<peer>& lost);

  /// Whether something was sent since the last call of this.
  bool take_has_sent();

private:
  struct batch {
    peer to{};
    bool dirty = false;
    /// One of its frames could not be sent.
    bool broken = false;
    bool is_bounded = false;
    std::shared_ptr<unread::account> account;
    wire::batch_writer envelopes;
  };

  /// Buffers for batches, used only while a batch has content: a batch with its own buffer would
  /// hold as much as its largest frame for as long as its peer is logged in.
  static constexpr std::size_t spare_max = 8;
  static constexpr std::size_t spare_bytes_max = std::size_t{512} * 1024;
  /// What a batch keeps.
  static constexpr std::size_t kept_bytes_max = std::size_t{4} * 1024;

  void lend_buffer(batch& to);
  void take_buffer(batch& from);
  void send_batch(batch& out);

  zmq::socket_t& socket_;
  const named_peers& named_;
  unread unread_;
  std::vector<batch> batches_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> dirty_;
  std::vector<std::string> spare_;
  bool has_sent_ = false;
};

} // namespace troupe::transport
