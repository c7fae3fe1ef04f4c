#pragma once

#include "runtime/http/body_room.hpp"
#include "runtime/http/http_options.hpp"
#include "runtime/http/problem.hpp"
#include "runtime/http/request_gate.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace troupe::http {

/// Reads the body of one request as its bytes come in. Each byte is looked at once. Pure.
class body_reader {
public:
  body_reader(const request_head& head, const limits& most);
  /// @param room for what comes before the end of the body. @param address of the peer.
  body_reader(
      const request_head& head, const limits& most, body_room& room, const std::string& address);

  bool is_complete() const { return at_ == place::end; }

  /// Reads on.
  ///
  /// @param bytes those that came since the last call.
  /// @return how many of them belong to the body: all, unless it is complete.
  /// @errors 400: malformed chunks or trailers, or too many bytes around the content; 413: more
  /// content than `body_bytes_max`; 503: no room for that much, in total or for this address.
  /// Nothing more may be read then.
  /// @source RFC 9112, 7.1. Chunk extensions and trailers are ignored.
  tl::expected<std::size_t, problem> read(std::string_view bytes);

  /// The content of a complete body. Once.
  std::string take() { return std::move(content_); }

private:
  enum class place : std::uint8_t {
    content,
    size,
    extension,
    size_lf,
    chunk_cr,
    chunk_lf,
    trailer_start,
    trailer_name,
    trailer,
    trailer_lf,
    last_lf,
    end
  };

  /// Reads a byte between the contents of chunks.
  tl::expected<void, problem> see(char letter);
  tl::expected<void, problem> see_size(char letter);
  tl::expected<void, problem> expect_letter(char letter, char wanted, place next);
  tl::expected<void, problem> begin_chunk();

  std::size_t content_max_;
  std::size_t around_max_;
  bool is_chunked_;
  place at_;
  /// The bytes of the content or chunk that are still to come; while a chunk's size is read, its
  /// value so far.
  std::uint64_t left_ = 0;
  std::size_t digits_ = 0;
  std::size_t around_ = 0;
  std::string content_;
  std::optional<body_room::part> part_;
};

} // namespace troupe::http
