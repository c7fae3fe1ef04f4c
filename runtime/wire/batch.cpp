#include "runtime/wire/batch.hpp"

#include <bit>
#include <cstring>

namespace troupe::wire {

namespace {

// Lengths are little-endian on the wire; big-endian machines swap bytes.
void store32(char* to, std::uint32_t value) {
  if constexpr (std::endian::native == std::endian::big) {
    value = __builtin_bswap32(value);
  }
  std::memcpy(to, &value, 4);
}

std::uint32_t load32(const char* from) {
  std::uint32_t value = 0;
  std::memcpy(&value, from, 4);
  if constexpr (std::endian::native == std::endian::big) {
    value = __builtin_bswap32(value);
  }
  return value;
}

} // namespace

std::size_t batch_writer::begin() {
  if (frame_.empty()) {
    frame_.reserve(last_bytes_);
    frame_ = {batch_mark, '\x01'};
  }
  const std::size_t at = frame_.size();
  frame_.append(envelope_start_bytes, '\0');
  return at;
}

void batch_writer::begin_body(std::size_t at) {
  store32(
      frame_.data() + at, static_cast<std::uint32_t>(frame_.size() - at - envelope_start_bytes));
}

void batch_writer::end(std::size_t at) {
  const std::size_t header = load32(frame_.data() + at);
  store32(
      frame_.data() + at + 4,
      static_cast<std::uint32_t>(frame_.size() - at - envelope_start_bytes - header));
}

bool batch_reader::next(envelope_view& envelope) {
  if (rest_.empty()) {
    return false;
  }
  if (rest_.size() < envelope_start_bytes) {
    malformed_ = true;
    return false;
  }
  const std::uint64_t header = load32(rest_.data());
  const std::uint64_t body = load32(rest_.data() + 4);
  if (header + body > rest_.size() - envelope_start_bytes) {
    malformed_ = true;
    return false;
  }
  envelope.header = rest_.substr(envelope_start_bytes, header);
  envelope.body = rest_.substr(envelope_start_bytes + header, body);
  rest_.remove_prefix(envelope_start_bytes + header + body);
  return true;
}

} // namespace troupe::wire
