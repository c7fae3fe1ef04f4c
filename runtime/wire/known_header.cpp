#include "runtime/wire/known_header.hpp"

#include <bit>
#include <cstring>

namespace troupe::wire {

namespace {

constexpr unsigned char map_of_4 = 0x84;
constexpr unsigned char map_of_6 = 0x86;
constexpr unsigned char map_of_7 = 0x87;

/// Walks bytes that are expected to be there.
class matcher {
public:
  explicit matcher(std::string_view rest) : rest_{rest} {}

  bool literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) {
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

  /// Text of 1 to 31 ASCII bytes, whose length is in its format byte.
  bool short_text(std::string_view& to) {
    if (rest_.empty()) {
      return false;
    }
    const auto format = static_cast<unsigned char>(rest_.front());
    const std::size_t size = format & 0x1fU;
    if ((format & 0xe0U) != 0xa0 || size == 0 || rest_.size() <= size) {
      return false;
    }
    to = rest_.substr(1, size);
    rest_.remove_prefix(1 + size);
    unsigned char all = 0;
    for (const char byte : to) {
      all = static_cast<unsigned char>(all | static_cast<unsigned char>(byte));
    }
    return all < 0x80;
  }

  const char* at() const { return rest_.data(); }

  bool at_end() const { return rest_.empty(); }

private:
  std::string_view rest_;
};

std::uint32_t load_big_endian(const char* from) {
  std::uint32_t value = 0;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? __builtin_bswap32(value) : value;
}

bool read_known_call(std::string_view bytes, bool has_key, header_view& header) {
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
  header.ttl = load_big_endian(ttl);
  header.ttl_at = static_cast<std::uint32_t>(ttl - bytes.data());
  matcher end{bytes.substr(header.ttl_at + 4)};
  if (has_key && !(end.literal("\xa3key") && end.short_text(header.key))) {
    return false;
  }
  header.kind = kind::call;
  header.has_id = true;
  header.has_ttl = true;
  return end.at_end();
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

} // namespace

bool read_known_header(std::string_view bytes, header_view& header) {
  if (bytes.empty()) {
    return false;
  }
  header.version = protocol_version;
  switch (static_cast<unsigned char>(bytes.front())) {
  case map_of_4:
    return read_known_reply(bytes, header);
  case map_of_6:
    return read_known_call(bytes, false, header);
  case map_of_7:
    return read_known_call(bytes, true, header);
  default:
    return false;
  }
}

} // namespace troupe::wire
