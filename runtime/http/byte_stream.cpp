#include "runtime/http/byte_stream.hpp"

#include "runtime/http/response_writer.hpp"

#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <openssl/err.h>
#include <sys/socket.h>
#include <utility>

namespace troupe::http {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

class plain final : public byte_stream {
public:
  explicit plain(tcp::socket socket) : socket_{std::move(socket)} {}

  void handshake(done then) override { then({}); }

  void read_some(asio::mutable_buffer into, read_done then) override {
    socket_.async_read_some(into, std::move(then));
  }

  bool has_input() override {
    error_code ignored;
    return socket_.available(ignored) > 0;
  }

  std::size_t write_now(std::string_view bytes) override {
    const auto sent =
        ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent); // `write` will hit the same error.
  }

  void write(std::string bytes, done then) override {
    outgoing_ = std::move(bytes);
    asio::async_write(
        socket_, asio::buffer(outgoing_), [then = std::move(then)](error_code why, std::size_t) {
          then(why);
        });
  }

  void end_sending(done then) override {
    error_code why;
    socket_.shutdown(tcp::socket::shutdown_send, why);
    then(why);
  }

  void discard_some(asio::mutable_buffer into, read_done then) override {
    read_some(into, std::move(then));
  }

  void cancel() override {
    error_code ignored;
    socket_.cancel(ignored);
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

private:
  tcp::socket socket_;
  std::string outgoing_;
};

class secure final : public byte_stream {
public:
  secure(tcp::socket socket, std::shared_ptr<asio::ssl::context> context)
      : context_{std::move(context)}, stream_{std::move(socket), *context_} {}

  void handshake(done then) override {
    stream_.async_handshake(
        asio::ssl::stream_base::server, [this, then = std::move(then)](error_code why) mutable {
          if (why.category() == asio::error::get_ssl_category()
              && ERR_GET_REASON(static_cast<unsigned long>(why.value())) == SSL_R_HTTP_REQUEST) {
            explain(why, std::move(then));
          } else {
            then(why);
          }
        });
  }

  void read_some(asio::mutable_buffer into, read_done then) override {
    stream_.async_read_some(into, std::move(then));
  }

  bool has_input() override {
    error_code ignored;
    return stream_.next_layer().available(ignored) > 0;
  }

  std::size_t write_now(std::string_view) override { return 0; }

  void write(std::string bytes, done then) override {
    outgoing_ = std::move(bytes);
    asio::async_write(
        stream_, asio::buffer(outgoing_), [then = std::move(then)](error_code why, std::size_t) {
          then(why);
        });
  }

  void end_sending(done then) override {
    // Completes once the peer has ended its side too.
    stream_.async_shutdown([this, then = std::move(then)](error_code) {
      error_code why;
      stream_.next_layer().shutdown(tcp::socket::shutdown_send, why);
      then(why);
    });
  }

  void discard_some(asio::mutable_buffer into, read_done then) override {
    stream_.next_layer().async_read_some(into, std::move(then));
  }

  void cancel() override {
    error_code ignored;
    stream_.next_layer().cancel(ignored);
  }

  void close() override {
    error_code ignored;
    stream_.next_layer().close(ignored);
  }

private:
  /// Answers a client that speaks plain HTTP to this port, and then ends the handshake with
  /// `failed`.
  void explain(error_code failed, done then) {
    outgoing_ = written_answer(
        to_response({400, "plain_on_tls_port", "this port speaks TLS: use https://"}),
        {},
        std::chrono::system_clock::now());
    asio::async_write(
        stream_.next_layer(),
        asio::buffer(outgoing_),
        [failed, then = std::move(then)](error_code, std::size_t) { then(failed); });
  }

  std::shared_ptr<asio::ssl::context> context_;
  asio::ssl::stream<tcp::socket> stream_;
  std::string outgoing_;
};

} // namespace

std::unique_ptr<byte_stream> plain_stream(tcp::socket socket) {
  return std::make_unique<plain>(std::move(socket));
}

std::unique_ptr<byte_stream>
tls_stream(tcp::socket socket, std::shared_ptr<asio::ssl::context> context) {
  return std::make_unique<secure>(std::move(socket), std::move(context));
}

} // namespace troupe::http
