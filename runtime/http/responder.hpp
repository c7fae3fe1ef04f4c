#pragma once

#include "runtime/http/response.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace troupe::http {

/// What became of a part of a stream.
enum class written : std::uint8_t {
  /// It will be sent as soon as the peer reads.
  queued,
  /// `stream_bytes_max` would be waiting: this part was not taken, nor is any other before `room`
  /// is
  /// called. `finish` may say a last word instead. Where nothing waits, a part is taken however
  /// large it is.
  full,
  /// The peer is gone, took nothing for the time of a write, or the stream was finished.
  gone,
};

/// What the maker of a stream is told, on the server's thread. Neither may block.
struct stream_listener {
  /// The stream ended before `finish` was said. Called once.
  std::function<void()> gone{};
  /// After `full`: parts are taken again.
  std::function<void()> room{};
};

/// The server's end of a stream.
class stream_sink {
public:
  stream_sink() = default;
  stream_sink(const stream_sink&) = delete;
  stream_sink& operator=(const stream_sink&) = delete;
  virtual ~stream_sink() = default;

  virtual written write(std::string_view part) = 0;
  virtual void finish(std::string_view last) = 0;
};

/// An answer whose body is made bit by bit. Any thread, one at a time. A stream that ends without
/// `finish` is cut, so that the peer sees that something is missing.
class stream {
public:
  explicit stream(std::shared_ptr<stream_sink> sink) : sink_{std::move(sink)} {}

  written write(std::string_view part) { return sink_->write(part); }

  /// Ends the body, with a last part of `stream_last_bytes_max` (4 KiB) at most, which has room
  /// when all else is full. Once is enough.
  void finish(std::string_view last = {}) { sink_->finish(last); }

private:
  std::shared_ptr<stream_sink> sink_;
};

/// The server's end of a request.
class exchange {
public:
  exchange() = default;
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;
  virtual ~exchange() = default;

  virtual bool respond(response answer) = 0;
  virtual stream open_stream(response head, stream_listener listener) = 0;
};

/// What answers one request: once, from any thread, at any time; also after the server has ended. A
/// request whose last responder goes without an answer is answered with 500.
class responder {
public:
  explicit responder(std::shared_ptr<exchange> made) : exchange_{std::move(made)} {}

  /// False if the request was answered already (by the time of a handler, perhaps) or its peer is
  /// known to be gone.
  bool respond(response answer) const { return exchange_->respond(std::move(answer)); }

  bool respond(const problem& what) const { return respond(to_response(what)); }

  /// Answers with a stream. The connection is closed behind it.
  ///
  /// @param head without body.
  stream open_stream(response head, stream_listener listener = {}) const {
    return exchange_->open_stream(std::move(head), std::move(listener));
  }

private:
  std::shared_ptr<exchange> exchange_;
};

} // namespace troupe::http
