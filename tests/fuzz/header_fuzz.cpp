#include "runtime/wire/check.hpp"
#include "runtime/wire/envelope.hpp"
#include "tests/fuzz/target.hpp"

#include <string>

namespace troupe::fuzz {

namespace {

using namespace wire;

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

bool are_same(const header_view& one, const header_view& other) {
  return one.kind == other.kind && one.status == other.status && one.id == other.id
         && one.has_id == other.has_id && one.has_ttl == other.has_ttl
         && one.has_seq == other.has_seq && one.to == other.to && one.op == other.op
         && one.key == other.key && one.traceparent == other.traceparent
         && one.source == other.source && one.error == other.error && one.ttl == other.ttl
         && one.seq == other.seq && one.time == other.time;
}

/// A key that nobody knows makes no difference, but that the header is read the general way.
void try_general_way(std::string_view bytes, const outcome<header_view>& known) {
  constexpr std::string_view unknown{"\xa1?\xc0"};
  if (bytes.empty() || bytes.size() + unknown.size() > header_bytes_max
      || static_cast<unsigned char>(bytes[0]) < 0x80
      || static_cast<unsigned char>(bytes[0]) > 0x8e) {
    return; // No map of less than 15 entries.
  }
  std::string copy{static_cast<char>(bytes[0] + 1)};
  copy.append(unknown).append(bytes.substr(1));
  const auto general = scan_header(copy);
  expect(general.has_value() == known.has_value());
  if (!known) {
    return expect(general.error().message == known.error().message);
  }
  expect(are_same(*known, *general));
  expect((known->ttl_at != 0) == (general->ttl_at != 0));
}

/// What our encoder makes of the same fields reads the same.
void try_encoder(const header_view& header) {
  std::string written;
  if (header.kind == kind::call) {
    append_call_header(
        written,
        {.id = header.id,
         .to = header.to,
         .op = header.op,
         .key = header.key,
         .ttl = header.ttl,
         .traceparent = header.traceparent,
         .source = header.source});
  } else if (header.kind == kind::relay || (header.kind == kind::event && header.time != 0)) {
    append_event_header(
        written,
        {.kind = header.kind,
         .id = header.id,
         .to = header.to,
         .topic = header.op,
         .key = header.key,
         .source = header.source,
         .traceparent = header.traceparent,
         .seq = header.seq,
         .time = header.time});
  } else {
    return;
  }
  const auto again = scan_header(written);
  expect(again.has_value());
  expect(
      again->kind == header.kind && again->id == header.id && again->to == header.to
      && again->op == header.op && again->key == header.key && again->source == header.source
      && again->traceparent == header.traceparent);
  expect(header.kind == kind::call ? again->ttl == header.ttl : again->seq == header.seq);
}

void try_header(std::string_view bytes) {
  try_error(bytes);
  header_view partial;
  const auto header = scan_header(bytes, &partial);
  try_general_way(bytes, header);
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
  expect(is_utf8(header->source) && is_utf8(header->traceparent));
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
  try_encoder(*header);
}

const target registered{"header", try_header};

} // namespace

} // namespace troupe::fuzz
