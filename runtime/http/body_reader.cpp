#include "runtime/http/body_reader.hpp"

#include <optional>
#include <utility>

namespace troupe::http {

namespace {

/// A longer number would not fit in 64 bits.
constexpr std::size_t size_digits_max = 16;

/// Bytes of framing allowed per byte of content; chunks of one byte need five.
constexpr std::size_t around_each_max = 8;

tl::unexpected<problem> malformed_body(std::string detail) {
  return tl::unexpected<problem>{{400, "malformed_body", std::move(detail)}};
}

std::optional<unsigned> hexadecimal(char digit) {
  if (digit >= '0' && digit <= '9') {
    return static_cast<unsigned>(digit - '0');
  }
  const auto lower = static_cast<char>(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? std::optional{static_cast<unsigned>(lower - 'a' + 10)}
                                      : std::nullopt;
}

bool is_text(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return letter == '\t' || (byte >= 0x20 && byte != 0x7f);
}

} // namespace

body_reader::body_reader(const request_head& head, const limits& most)
    : content_max_{most.body_bytes_max}, around_max_{most.head_bytes_max},
      is_chunked_{head.is_chunked}, at_{head.is_chunked   ? place::size
                                        : head.has_body() ? place::content
                                                          : place::end},
      left_{head.content_length} {
}

body_reader::body_reader(
    const request_head& head, const limits& most, body_room& room, const std::string& address)
    : body_reader{head, most} {
  part_.emplace(room, address);
}

tl::expected<std::size_t, problem> body_reader::read(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !is_complete()) {
    if (at_ == place::content) {
      const std::string_view part = bytes.substr(used, left_);
      content_ += part;
      used += part.size();
      left_ -= part.size();
      if (left_ == 0) {
        at_ = is_chunked_ ? place::chunk_cr : place::end;
      }
    } else if (++around_ > around_max_ + content_.size() * around_each_max) {
      return malformed_body("too many bytes are around the chunks");
    } else if (auto fine = see(bytes[used++]); !fine) {
      return tl::unexpected<problem>{std::move(fine.error())};
    }
  }
  if (!is_complete() && part_ && !part_->grow_to(content_.size())) {
    return tl::unexpected<problem>{
        {503,
         "too_many_bodies",
         "too many large bodies are coming in, from your address or in all: try again later",
         {},
         {{"retry_after_ms", 1'000}}}};
  }
  return used;
}

tl::expected<void, problem> body_reader::see(char letter) {
  switch (at_) {
  case place::size:
    return see_size(letter);
  case place::extension:
    if (letter == '\r') {
      at_ = place::size_lf;
    } else if (!is_text(letter)) {
      return malformed_body("the line before a chunk has a control character");
    }
    return {};
  case place::size_lf:
    return expect_letter(letter, '\n', place::content).and_then([this] { return begin_chunk(); });
  case place::chunk_cr:
    return expect_letter(letter, '\r', place::chunk_lf);
  case place::chunk_lf:
    digits_ = 0;
    return expect_letter(letter, '\n', place::size);
  case place::trailer_start:
    if (letter != '\r' && !is_token_letter(letter)) {
      return malformed_body("a trailer is not `NAME: VALUE`");
    }
    at_ = letter == '\r' ? place::last_lf : place::trailer_name;
    return {};
  case place::trailer_name:
    if (letter != ':' && !is_token_letter(letter)) {
      return malformed_body("a trailer is not `NAME: VALUE`");
    }
    at_ = letter == ':' ? place::trailer : place::trailer_name;
    return {};
  case place::trailer:
    if (letter == '\r') {
      at_ = place::trailer_lf;
    } else if (!is_text(letter)) {
      return malformed_body("a trailer has a control character");
    }
    return {};
  case place::trailer_lf:
    return expect_letter(letter, '\n', place::trailer_start);
  case place::last_lf:
    return expect_letter(letter, '\n', place::end);
  case place::content:
  case place::end:
    break;
  }
  return {};
}

tl::expected<void, problem> body_reader::see_size(char letter) {
  if (const auto digit = hexadecimal(letter)) {
    if (++digits_ > size_digits_max) {
      return malformed_body("the size of a chunk has too many digits");
    }
    left_ = left_ * 16 + *digit;
    return {};
  }
  if (digits_ == 0 || (letter != '\r' && letter != ';')) {
    return malformed_body("the size of a chunk is no hexadecimal number");
  }
  at_ = letter == '\r' ? place::size_lf : place::extension;
  return {};
}

tl::expected<void, problem> body_reader::expect_letter(char letter, char wanted, place next) {
  if (letter != wanted) {
    return malformed_body("a chunk is longer than it says, or a line of it does not end with CRLF");
  }
  at_ = next;
  return {};
}

tl::expected<void, problem> body_reader::begin_chunk() {
  if (left_ > content_max_ - content_.size()) {
    return tl::unexpected<problem>{
        {413, "body_too_large", "a body may have " + std::to_string(content_max_) + " bytes"}};
  }
  at_ = left_ == 0 ? place::trailer_start : place::content;
  return {};
}

} // namespace troupe::http
