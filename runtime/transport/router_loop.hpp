#pragma once

#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/transport/curve_keys.hpp"
#include "runtime/transport/socket_results.hpp"
#include "runtime/transport/transport_options.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace troupe::transport {

/// A connection to our ROUTER, by the routing id that libzmq made for it or, from 2^32 on, by the
/// number that replaces a routing id of its own. Below 2^40. Never visible outside.
enum class peer : std::uint64_t {};

/// The framing in which a peer wants its messages.
enum class framing : std::uint8_t {
  /// `[header][body]`.
  plain,
  /// `[][header][body]`, as a REQ socket sends.
  delimited,
  /// Many envelopes in one frame; only after HELLO.
  batched,
};

/// The broker's side of a router_loop, which calls it on its own thread only.
class router_handler {
public:
  router_handler() = default;
  router_handler(const router_handler&) = delete;
  router_handler& operator=(const router_handler&) = delete;
  virtual ~router_handler() = default;

  /// One envelope; the views end with the call.
  virtual void
  received(peer from, framing how, std::string_view header, std::string_view body, instant now) = 0;
  /// A message that is not an envelope: wrong number of frames, lengths that do not fit.
  virtual void malformed(peer from, framing how, std::string_view why, instant now) = 0;
  /// Whether to read a batch of this peer; if not, the peer has been told why.
  virtual bool takes_batches(peer from, instant now) = 0;
  /// The peer has exceeded its share of the messages that may wait here to be processed: this
  /// message is dropped, and all of the peer's that waited.
  virtual void flooded(peer from, framing how, std::string_view header, instant now) = 0;
  /// The connection with this number (`router_loop::connection_of_sender`) ended. Another one may
  /// have the number by now.
  virtual void connection_ended(int connection, instant now) = 0;
  /// Connections ended. The monitor does not say whose: only a send to each peer shows it.
  virtual void link_closed(instant now) = 0;
  /// Connections are being closed, since the keys they were accepted with are no longer valid.
  /// @param owners of these keys. @param links the number of connections.
  virtual void
  keys_expired(const std::set<std::string>& owners, std::size_t links, instant now) = 0;
  /// A peer is gone: a batch could not be delivered, or `note_gone` said so. All that it sent
  /// before has been `received`.
  virtual void gone(peer whom, instant now) = 0;
  /// The process was stopped for so long that its peers gave it up. The loop has dropped what it
  /// had received; messages it still receives may be as old as `waited`.
  virtual void stood_still(instant::duration how_long, instant now) = 0;
  /// Connections are being closed: each has sent more bytes than a message may have, and no message
  /// came.
  virtual void stuck(std::size_t links, instant now) = 0;
  /// There is no room for more connections. Called at most every 10 s while more come.
  virtual void crowded(instant now) = 0;
  /// The time at which `due` wants to be called next.
  virtual instant next_due() const = 0;
  virtual void due(instant now) = 0;
};

/// The broker's socket: a ROUTER, its monitor and the loop around them.
///
/// `run` owns the thread it is called on; all members belong to that thread, except `stop`,
/// `wake_up`, `replace_key` and `check_keys`.
class router_loop {
public:
  struct options {
    std::string endpoint;
    /// The endpoint where peers without keys connect, if `key` is there; empty for nowhere.
    std::string open_endpoint{};
    /// The key of this side of links. Peers that connect to `endpoint` have one too, whose owner
    /// the context's zap_server knows. Absent: links have no keys.
    std::optional<curve_secret_key> key{};
    /// Whether a key is valid now, for connections that were accepted with it. Called on the loop's
    /// thread, once for each connection and after `check_keys`. Absent: all are.
    std::function<bool(const curve_public_key&)> is_valid_key{};
    heartbeat_options heartbeat;
    std::size_t body_bytes_max;
    /// The process's limit of open files; 0: unknown.
    std::uint64_t open_files_max = 0;
    /// The most bytes of all peers that may be received and not processed; at least four frames.
    std::size_t parked_bytes_max = std::size_t{512} << 20U;
    /// The most bytes that may wait to be read by all peers; at least four frames.
    std::size_t unread_bytes_max = std::size_t{256} << 20U;
  };

  /// @errors `unavailable`: the endpoint cannot be bound, with the reason.
  static outcome<std::unique_ptr<router_loop>>
  bind(context& zmq, const clock& clock, const options& settings);

  ~router_loop();
  router_loop(const router_loop&) = delete;
  router_loop& operator=(const router_loop&) = delete;

  /// Sends at once. `full` if the peer has not read what it was sent before (`has_room`).
  ///
  /// @param beyond the bytes by which this message may exceed the share: for an error instead of an
  /// answer.
  sent send(
      peer to, framing how, std::string_view header, std::string_view body, std::size_t beyond = 0);

  /// Whether a message of so many bytes may be sent to the peer: it may have as many unread bytes
  /// as are left for others, and a first message of any size.
  bool has_room(peer to, std::size_t bytes);
  /// The bytes that the peers have not read yet, all together.
  std::size_t unread_bytes() const;

  /// A send showed that the peer is gone: `gone` follows, once everything that came before is read.
  void note_gone(peer whom);

  /// The time that a message received now may have waited while its sender's `ttl` was not counted
  /// down: 0 unless this process was stopped.
  instant::duration waited(instant now) const;

  /// Whether the message that is being received came over a connection for which there is no room:
  /// its sender is to be told so, and its connection is closed soon.
  bool is_in_reserve() const;
  /// The number of the connection over which the message came that is being received.
  int connection_of_sender() const;
  /// Keeps the connection that the message came over: it is a worker's, or an operator's.
  void keep_connection();
  /// The sender of the message that is being received: the owner of the key of its connection, and
  /// the same one for the connection's whole life. Empty if it came without a key. Costs a look-up
  /// by libzmq.
  std::string_view user_of_sender() const;
  /// The key of that connection; nothing if it has none.
  std::optional<curve_public_key> key_of_sender() const;

  /// Listens with another key from now on; existing connections are kept. From any thread.
  /// @errors `unavailable`: the system refuses it, with the reason; nothing changed.
  outcome<void> replace_key(const curve_secret_key& key);

  /// Makes the loop close the connections whose keys are no longer valid. From any thread.
  void check_keys();

  /// Connections for which there was no room.
  std::uint64_t turned_away() const;

  /// The endpoint it listens on: the requested one, with the port that the system chose for `:*`.
  std::string endpoint() const;

  /// Opens the batch for a peer that said HELLO. Appended envelopes leave when the pass ends or the
  /// frame is large enough; if the peer accepts no more, `gone` says so when the pass ends.
  ///
  /// @param is_bounded whether the peer has a share of the unread bytes; a worker has none, since
  /// its credit bounds what it gets.
  std::uint32_t open_batch(peer to, bool is_bounded);
  /// @return `full`, with nothing done, if the peer has not read what it was sent before.
  sent append(
      std::uint32_t batch, std::string_view header, std::string_view body, std::size_t beyond = 0);
  /// Drops the batch with its content.
  void close_batch(std::uint32_t batch);

  /// Runs until `stop`. Messages sent before have 2 s to leave once this object ends.
  void run(router_handler& handler);

  /// Ends `run`. From any thread or from a handler.
  void stop();

  /// Makes the loop call `due` soon. From any thread.
  void wake_up();

private:
  struct state;
  explicit router_loop(std::unique_ptr<state> made);

  std::unique_ptr<state> state_;
};

} // namespace troupe::transport
