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
  /// More than `stream_bytes_max` would be waiting: this part was not accepted, nor is any other
  /// before `room` is called. `finish` may send a last part instead. If nothing waits, a part of
  /// any size is accepted.
  full,
  /// The peer is gone, read nothing for the time limit of a write, or the stream was finished.
  gone,
};

/// Callbacks for the writer of a stream, on the server's thread. They may not block.
struct stream_listener {
  /// The stream ended before `finish` was called. Called once.
  std::function<void()> gone{};
  /// After `full`: parts are accepted again.
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

/// An answer whose body is made in parts. Any thread, one at a time. A stream that ends without
/// `finish` is cut, so that the peer sees that something is missing.
class stream {
public:
  explicit stream(std::shared_ptr<stream_sink> sink) : sink_{std::move(sink)} {}

  written write(std::string_view part) { return sink_->write(part); }

  /// Ends the body, with a last part of at most `stream_last_bytes_max` (4 KiB), for which there is
  /// always room. To be called once.
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

/// Answers one request: once, from any thread, at any time, also after the server has ended. If its
/// last responder is destroyed without an answer, the request is answered with 500.
class responder {
public:
  explicit responder(std::shared_ptr<exchange> made) : exchange_{std::move(made)} {}

  /// False if the request was already answered (perhaps because the handler's time was over) or its
  /// peer is known to be gone.
  bool respond(response answer) const { return exchange_->respond(std::move(answer)); }

  bool respond(const problem& what) const { return respond(to_response(what)); }

  /// Answers with a stream. The connection is closed after it.
  ///
  /// @param head without body.
  stream open_stream(response head, stream_listener listener = {}) const {
    return exchange_->open_stream(std::move(head), std::move(listener));
  }

private:
  std::shared_ptr<exchange> exchange_;
};

} // namespace troupe::http
