#pragma once

#include "runtime/clock.hpp"
#include "runtime/http/body_reader.hpp"
#include "runtime/http/byte_stream.hpp"
#include "runtime/http/deadline_timer.hpp"
#include "runtime/http/head_scanner.hpp"
#include "runtime/http/loop_mailbox.hpp"
#include "runtime/http/receive_buffer.hpp"
#include "runtime/http/request_gate.hpp"
#include "runtime/http/response_writer.hpp"
#include "runtime/http/server.hpp"
#include "runtime/http/server_counts.hpp"
#include "runtime/http/stream_channel.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace troupe::http {

class connection;

/// What the connections of a server have in common. Outlives them; confined to the server's thread.
struct connection_host {
  server_options options;
  request_handler handler;
  fault_listener faults;
  std::shared_ptr<loop_mailbox> mailbox;
  shared_counts& counts;
  std::function<void(connection&)> ended;
  body_room bodies;
  bool is_draining = false;
};

/// One connection: reads a request through the gate, gives it to the handler, writes the answer,
/// and so on, one request at a time; what a peer sends ahead waits in the buffer, and then at the
/// peer. Confined to the server's thread, except the exchanges and channels it gives out. Kept
/// alive by what it waits for.
class connection : public std::enable_shared_from_this<connection> {
public:
  connection(
      std::unique_ptr<byte_stream> stream,
      const boost::asio::any_io_executor& executor,
      peer_address peer,
      connection_host& host);

  void start();
  /// Answers any request with `why`, and ends.
  void start_refused(const problem& why);
  /// The server is to end: closes if nothing is under way.
  void drain();
  /// Closes at once.
  void cut();

  const peer_address& peer() const { return peer_; }

  /// The answer to the current request, which nobody else has answered.
  void answer(const response& how);
  void begin_stream(const response& head, const std::shared_ptr<stream_channel>& channel);
  /// Sends what is in the channel of a stream.
  void flush_stream();

private:
  enum class phase : std::uint8_t {
    handshake,
    head,
    body,
    handler,
    writing,
    streaming,
    farewell,
    closed
  };

  void next_request();
  void scan_head();
  void begin_request(std::size_t head_bytes);
  void read_body();
  void hand_over();

  void read_more(std::size_t bytes);
  void on_read(boost::system::error_code why, std::size_t bytes);

  void refuse(const problem& why);
  void write_answer(const response& answer, body_framing framing = body_framing::length);
  void on_written(boost::system::error_code why, bool keeps_alive);

  void on_stream_written(boost::system::error_code why);
  void watch_peer();

  void say_farewell();
  void discard();

  void watch_deadline();
  void on_late();

  answer_frame frame() const;

  const std::unique_ptr<byte_stream> stream_;
  const peer_address peer_;
  connection_host& host_;

  phase phase_ = phase::handshake;
  /// Of the phase.
  const std::shared_ptr<deadline_timer> deadline_;

  receive_buffer received_;
  bool has_served_ = false;
  head_scanner scanner_;
  std::optional<request_head> head_;
  std::optional<body_reader> body_;
  /// Whether the current request is answered; shared with its exchange. The one that sets it gives
  /// the answer.
  std::shared_ptr<std::atomic<bool>> is_answered_;
  std::shared_ptr<stream_channel> channel_;
  /// A write of the stream is under way.
  bool is_sending_ = false;
  std::array<char, 512> discarded_{};
};

} // namespace troupe::http
