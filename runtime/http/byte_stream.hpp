#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::http {

/// A TCP connection, plain or with TLS, so that code using it is compiled once.
///
/// One read and one write may be under way at once; closing ends them with an error. Confined to
/// the server's thread.
class byte_stream {
public:
  using done = std::function<void(boost::system::error_code)>;
  using read_done = std::function<void(boost::system::error_code, std::size_t)>;

  byte_stream() = default;
  byte_stream(const byte_stream&) = delete;
  byte_stream& operator=(const byte_stream&) = delete;
  virtual ~byte_stream() = default;

  virtual void handshake(done then) = 0;
  virtual void read_some(boost::asio::mutable_buffer into, read_done then) = 0;
  /// Whether the peer has sent something that has not been read yet.
  virtual bool has_input() = 0;
  /// Writes as much of `bytes` as possible without waiting. @return how much.
  virtual std::size_t write_now(std::string_view bytes) = 0;
  /// Writes all of `bytes`.
  virtual void write(std::string bytes, done then) = 0;
  /// Tells the peer that nothing more will be sent.
  virtual void end_sending(done then) = 0;
  /// After `end_sending`: reads and discards what the peer still sends.
  virtual void discard_some(boost::asio::mutable_buffer into, read_done then) = 0;
  /// Ends what is under way with `operation_aborted`.
  virtual void cancel() = 0;
  virtual void close() = 0;
};

std::unique_ptr<byte_stream> plain_stream(boost::asio::ip::tcp::socket socket);

/// @param context shared by all connections made before the next change of the certificate.
std::unique_ptr<byte_stream>
tls_stream(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> context);

} // namespace troupe::http
