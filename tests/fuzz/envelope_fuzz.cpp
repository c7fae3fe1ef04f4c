#include "runtime/wire/envelope.hpp"

#include "runtime/wire/batch.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/json.hpp"
#include "runtime/wire/login.hpp"
#include "runtime/wire/reader.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

// Bytes of a peer go the way they go in a broker and a worker, and what is promised about them is
// tried. An input is a batch frame, or a header followed by its body.

namespace {

using namespace troupe;
using namespace troupe::wire;

/// A promise that the input broke. abort() is what a fuzzer sees.
void expect(bool kept) {
  if (!kept) {
    std::abort();
  }
}

bool is_within(std::string_view part, std::string_view whole) {
  return part.empty()
         || (part.data() >= whole.data()
             && part.data() + part.size() <= whole.data() + whole.size());
}

void try_error(std::string_view bytes) {
  const auto first = read_error(bytes);
  if (!first) {
    return;
  }
  // What we write of it is short enough and reads the same from then on.
  std::string header;
  append_error_header(header, uuid{}, *first);
  const auto scanned = scan_header(header);
  expect(scanned.has_value());
  const auto second = read_error(scanned->error);
  expect(second.has_value());
  std::string again;
  append_error(again, *second);
  expect(again == scanned->error);
}

void try_header(std::string_view bytes) {
  header_view partial;
  const auto header = scan_header(bytes, &partial);
  if (!header) {
    expect(header.error().code == errc::invalid);
    std::string reply;
    append_error_header(reply, partial.id, header.error());
    expect(scan_header(reply).has_value());
    return;
  }
  expect(header->kind != kind::none && header->version == protocol_version);
  for (const std::string_view part :
       {header->to, header->op, header->key, header->source, header->traceparent, header->error}) {
    expect(is_within(part, bytes));
  }
  expect(is_utf8(header->to) && is_utf8(header->op) && is_utf8(header->key));
  expect(header->to.size() <= name_bytes_max && header->op.size() <= name_bytes_max);
  if (header->kind == kind::call) {
    expect(header->has_id && header->has_ttl && !header->to.empty() && !header->op.empty());
  }
  if (header->ttl_at != 0) {
    std::string copy{bytes};
    patch_ttl(copy.data(), header->ttl_at, ~header->ttl);
    const auto patched = scan_header(copy);
    expect(patched.has_value() && patched->ttl == ~header->ttl);
  }
  if (!header->error.empty()) {
    try_error(header->error);
  }
}

template <class Message>
void try_message(std::string_view bytes) {
  const auto first = checked_decode<Message>(bytes);
  if (!first) {
    expect(first.error().code == errc::invalid);
    return;
  }
  const std::string written = encoded(*first);
  const auto second = checked_decode<Message>(written);
  expect(second.has_value());
  expect(encoded(*second) == written);
}

void try_body(std::string_view bytes) {
  if (check(bytes)) {
    reader values{bytes};
    std::string_view raw;
    expect(values.read_raw(raw) && raw == bytes && values.at_end());
    const auto json = to_json(bytes);
    expect(json.has_value());
    // MessagePack may have a key twice, which is refused on the way back.
    if (const auto packed = from_json(*json)) {
      expect(check(*packed).has_value());
    } else {
      expect(packed.error().message.find("twice") != std::string::npos);
    }
  } else {
    expect(!to_json(bytes).has_value());
  }
  try_message<hello>(bytes);
  try_message<welcome>(bytes);
  try_message<state>(bytes);
  try_message<pong>(bytes);
  try_message<roster>(bytes);
}

void try_json(std::string_view text) {
  const auto bytes = from_json(text);
  if (bytes) {
    expect(check(*bytes).has_value());
    expect(to_json(*bytes).has_value());
  } else {
    std::string map;
    append_error(map, bytes.error());
    expect(read_error(map).has_value());
  }
}

void try_frame(std::string_view frame) {
  if (batch_reader::is_batch(frame)) {
    batch_reader envelopes{frame};
    for (envelope_view each; envelopes.next(each);) {
      expect(is_within(each.header, frame) && is_within(each.body, frame));
      try_header(each.header);
      try_body(each.body);
    }
    return;
  }
  reader values{frame};
  std::string_view header;
  if (!values.read_raw(header)) {
    header = frame;
  }
  try_header(header);
  try_body(frame.substr(header.size()));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A block of exactly this size, so that AddressSanitizer sees the first byte read beyond it.
  const auto block = std::make_unique<char[]>(size);
  if (size > 0) {
    std::memcpy(block.get(), data, size);
  }
  const std::string_view frame{block.get(), size};
  try_frame(frame);
  try_error(frame);
  try_body(frame);
  try_json(frame);
  return 0;
}
