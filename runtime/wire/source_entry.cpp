#include "runtime/wire/source_entry.hpp"

#include "runtime/wire/writer.hpp"

namespace troupe::wire {

namespace {

// The first byte of a map with up to 15 entries contains their number.
constexpr unsigned char small_map = 0x80;
constexpr unsigned char full_map = 0x8f;
// The first byte of a text of up to 31 bytes contains its length.
constexpr std::size_t short_text_max = 31;
constexpr std::size_t short_text = 0xa0;
constexpr std::string_view short_source = "\xa6source";

} // namespace

std::string_view put_source(
    header_view& header, std::string_view bytes, std::string_view source, std::string& buffer) {
  if (header.source == source) {
    return bytes;
  }
  const auto map = static_cast<unsigned char>(bytes.front());
  // Only a header without a `source` entry, whose view was never set, can be extended in place.
  if (header.source.data() == nullptr && header.ttl_at != 0 && map >= small_map && map < full_map
      && bytes.size() + source.size() < header_bytes_max / 2) {
    buffer.assign(bytes);
    ++buffer.front();
    if (source.size() <= short_text_max) {
      buffer += short_source;
      buffer += static_cast<char>(short_text | source.size());
      buffer += source;
    } else {
      writer{buffer}.text_entry("source", source);
    }
    const auto move = [from = bytes.data(), to = buffer.data()](std::string_view& view) {
      if (!view.empty()) {
        view = {to + (view.data() - from), view.size()};
      }
    };
    move(header.to);
    move(header.op);
    move(header.key);
    move(header.traceparent);
    header.source = std::string_view{buffer}.substr(buffer.size() - source.size());
    return buffer;
  }
  buffer.clear();
  const std::uint32_t ttl = header.ttl;
  append_call_header(
      buffer,
      {.id = header.id,
       .to = header.to,
       .op = header.op,
       .key = header.key,
       .ttl = ttl,
       .traceparent = header.traceparent,
       .source = source});
  header = *scan_header(buffer);
  return buffer;
}

} // namespace troupe::wire
