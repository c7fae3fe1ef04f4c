#include "runtime/wire/known_header.hpp"

#include "runtime/bytes.hpp"

#include <cstring>
#include <utility>

namespace troupe::wire {

namespace {

constexpr unsigned char map_of_4 = 0x84;
constexpr unsigned char map_of_6 = 0x86;
constexpr unsigned char map_of_8 = 0x88;
constexpr unsigned char map_of_10 = 0x8a;

/// Consumes bytes that are expected in a fixed order.
class matcher {
public:
  explicit matcher(std::string_view rest) : rest_{rest} {}

  /// Inlined, so that the compiler compares a literal of known size in registers.
  [[gnu::always_inline]] bool literal(std::string_view expected) {
    if (rest_.size() < expected.size()
        || std::memcmp(rest_.data(), expected.data(), expected.size()) != 0) {
      return false;
    }
    rest_.remove_prefix(expected.size());
    return true;
  }

  bool id(uuid& to) {
    if (rest_.size() < to.bytes.size()) {
      return false;
    }
    std::memcpy(to.bytes.data(), rest_.data(), to.bytes.size());
    rest_.remove_prefix(to.bytes.size());
    return true;
  }

  /// Reads 1 to 31 bytes of ASCII, whose length is in the format byte.
  [[gnu::always_inline]] bool short_text(std::string_view& to) {
    if (rest_.empty()) {
      return false;
    }
    const auto format = static_cast<unsigned char>(rest_.front());
    return (format & 0xe0U) == 0xa0 && ascii(1, format & 0x1fU, to);
  }

  /// Reads 1 to 255 bytes of ASCII.
  bool text(std::string_view& to) {
    if (rest_.size() < 2 || static_cast<unsigned char>(rest_.front()) != 0xd9) {
      return short_text(to);
    }
    return ascii(2, static_cast<unsigned char>(rest_[1]), to);
  }

  bool unsigned_integer(std::uint64_t& to) {
    if (rest_.empty()) {
      return false;
    }
    const auto format = static_cast<unsigned char>(rest_.front());
    if (format < 0x80) {
      to = format;
      rest_.remove_prefix(1);
      return true;
    }
    if (format < 0xcc || format > 0xcf) {
      return false;
    }
    const std::size_t size = std::size_t{1} << (format - 0xccU);
    if (rest_.size() <= size) {
      return false;
    }
    to = 0;
    for (std::size_t i = 1; i <= size; ++i) {
      to = to << 8U | static_cast<unsigned char>(rest_[i]);
    }
    rest_.remove_prefix(1 + size);
    return true;
  }

  const char* at() const { return rest_.data(); }

  bool at_end() const { return rest_.empty(); }

private:
  /// Reads `size` bytes of text (at least 1) that follow `before` bytes of format.
  bool ascii(std::size_t before, std::size_t size, std::string_view& to) {
    if (size == 0 || rest_.size() < before + size) {
      return false;
    }
    const char* const text = rest_.data() + before;
    const std::size_t room = rest_.size() - before;
    to = {text, size};
    rest_.remove_prefix(before + size);
    std::uint64_t all = 0;
    std::size_t at = 0;
    for (; at < size && room - at >= 8; at += 8) {
      // Loads eight bytes and shifts out those beyond the text.
      const std::size_t beyond = size - at < 8 ? 8 - (size - at) : 0;
      all |= load_big_endian<std::uint64_t>(text + at) >> 8 * beyond;
    }
    for (; at < size; ++at) {
      all |= static_cast<unsigned char>(text[at]);
    }
    return (all & 0x8080808080808080ULL) == 0;
  }

  std::string_view rest_;
};

bool read_known_call(std::string_view bytes, header_view& header) {
  matcher rest{bytes.substr(1)};
  if (!rest.literal(call_start) || !rest.id(header.id) || !rest.literal("\xa2to")
      || !rest.short_text(header.to) || !rest.literal("\xa2op") || !rest.short_text(header.op)
      || !rest.literal("\xa3ttl\xce")) {
    return false;
  }
  const char* const ttl = rest.at();
  if (bytes.data() + bytes.size() - ttl < 4) {
    return false;
  }
  header.ttl = load_big_endian<std::uint32_t>(ttl);
  header.ttl_at = static_cast<std::uint32_t>(ttl - bytes.data());
  matcher end{bytes.substr(header.ttl_at + 4)};
  unsigned entries = 6;
  if (end.literal("\xa3key")) {
    if (!end.short_text(header.key)) {
      return false;
    }
    ++entries;
  }
  if (end.literal("\xa6source")) {
    if (!end.text(header.source)) {
      return false;
    }
    ++entries;
  }
  header.kind = kind::call;
  header.has_id = true;
  header.has_ttl = true;
  return end.at_end() && static_cast<unsigned char>(bytes.front()) == (0x80U | entries);
}

bool read_known_reply(std::string_view bytes, header_view& header) {
  matcher rest{bytes.substr(1)};
  if (!rest.literal(reply_start) || !rest.id(header.id)) {
    return false;
  }
  if (rest.literal(ok_end)) {
    header.status = status::ok;
  } else if (rest.literal(pending_end)) {
    header.status = status::pending;
  } else {
    return false;
  }
  header.kind = kind::reply;
  header.has_id = true;
  return rest.at_end();
}

bool read_known_event(std::string_view bytes, header_view& header) {
  matcher rest{bytes.substr(1)};
  const bool is_event = rest.literal(event_start);
  if (!is_event && !rest.literal(relay_start)) {
    return false;
  }
  if (!rest.id(header.id) || !rest.literal("\xa2to") || !rest.short_text(header.to)
      || !rest.literal("\xa2op") || !rest.short_text(header.op) || !rest.literal("\xa3seq")
      || !rest.unsigned_integer(header.seq)) {
    return false;
  }
  unsigned entries = 6;
  if (is_event) {
    if (!rest.literal("\xa4time") || !rest.unsigned_integer(header.time)) {
      return false;
    }
    ++entries;
  }
  for (const auto& [key, to] :
       {std::pair{std::string_view{"\xa3key"}, &header_view::key},
        std::pair{std::string_view{"\xa6source"}, &header_view::source},
        std::pair{std::string_view{"\xabtraceparent"}, &header_view::traceparent}}) {
    if (rest.literal(key)) {
      if (!rest.text(header.*to)) {
        return false;
      }
      ++entries;
    }
  }
  header.kind = is_event ? kind::event : kind::relay;
  header.has_id = true;
  header.has_seq = true;
  return rest.at_end() && static_cast<unsigned char>(bytes.front()) == (0x80U | entries);
}

} // namespace

bool read_known_header(std::string_view bytes, header_view& header) {
  if (bytes.empty()) {
    return false;
  }
  header.version = protocol_version;
  const auto map = static_cast<unsigned char>(bytes.front());
  if (map == map_of_4) {
    return read_known_reply(bytes, header);
  }
  if (map < map_of_6 || map > map_of_10) {
    return false;
  }
  // The kind follows the map's byte, `v`, 1 and `kind`.
  constexpr std::size_t kind_at = 9;
  if (bytes.size() > kind_at && static_cast<unsigned char>(bytes[kind_at]) == 0xa5) {
    return read_known_event(bytes, header);
  }
  return map <= map_of_8 && read_known_call(bytes, header);
}

} // namespace troupe::wire
