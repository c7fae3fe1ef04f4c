#include "runtime/wire/json.hpp"

#include "runtime/base64.hpp"
#include "runtime/gateway/event_text.hpp"
#include "runtime/gateway/json_codec.hpp"
#include "runtime/gateway/strict_json.hpp"
#include "runtime/wire/check.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::fuzz {

namespace samples {

enum class colour : std::uint8_t { red, green };

TROUPE_WORDS(colour, red, green)

struct line {
  std::string sku;
  std::int8_t quantity = 0;
};

TROUPE_MESSAGE(line, sku, quantity)

/// A field of each form that values have.
struct sample {
  std::optional<uuid> id;
  std::vector<line> lines;
  std::map<std::string, std::vector<std::uint8_t>> digits;
  double weight = 0;
  std::uint64_t large = 0;
  wire::binary_value bytes;
  std::chrono::milliseconds age{};
  colour shade = colour::red;
  bool good = false;
  std::optional<std::string> note;
  wire::raw_value rest;
};

TROUPE_MESSAGE(sample, id, lines, digits, weight, large, bytes, age, shade, good, note, rest)

} // namespace samples

namespace {

const gateway::types& all_types() {
  static const gateway::types made = [] {
    wire::schema_book book;
    (void)book.add(wire::message_shape_of<samples::sample>());
    return book.take();
  }();
  return made;
}

/// The two readers of JSON take and refuse the same.
void try_both_readers(std::string_view text) {
  const auto value = gateway::strict_json(text);
  const auto packed = wire::from_json(text);
  expect(value.has_value() == packed.has_value());
  if (!packed) {
    return expect(value.error().code == errc::invalid && packed.error().code == errc::invalid);
  }
  expect(wire::check(*packed).has_value());
  const auto shown = wire::to_json(*packed);
  expect(shown && wire::from_json(*shown) == *packed);
}

/// A message as the gateway writes it is what a program in C++ reads, and goes back unchanged.
void try_request(std::string_view text) {
  const auto body = gateway::from_json(text, all_types(), "sample");
  if (!body) {
    return expect(body.error().code == errc::invalid);
  }
  const auto message = wire::checked_decode<samples::sample>(*body);
  expect(message && wire::encoded(*message) == *body);
  const auto json = gateway::to_json(*body, all_types(), "sample");
  expect(json && gateway::from_json(*json, all_types(), "sample") == *body);
}

void try_answer(std::string_view bytes) {
  const auto json = gateway::to_json(bytes, all_types(), "sample");
  if (!json) {
    return expect(json.error().code == errc::internal);
  }
  // MessagePack may have a key twice.
  const auto read = gateway::strict_json(*json);
  expect(read || read.error().message.find("twice") != std::string::npos);
}

/// Values in paths and queries.
void try_text(std::string_view text) {
  for (const wire::field_schema& each : all_types().front().fields) {
    if (const auto json = gateway::json_of_text(text, each.type)) {
      expect(gateway::strict_json(*json).has_value() || !wire::is_utf8(text));
    }
  }
  if (const auto bytes = from_base64(text)) {
    expect(to_base64(*bytes) == text);
  }
}

/// An event of a stream is one event for its reader, whatever its body is: three lines and an empty
/// one.
void try_stream(std::string_view bytes) {
  const wire::read_event event{
      .position = 7,
      .id = {},
      .topic = "a.b",
      .key = {},
      .source = {},
      .time = 0,
      .traceparent = {},
      .body = {std::string{bytes}}};
  for (const auto& known :
       {std::vector<gateway::event_type>{},
        std::vector<gateway::event_type>{{"*", "sample", all_types()}}}) {
    const std::string text = gateway::event_text(event, known);
    expect(text.ends_with("\n\n") && text.find('\r') == std::string::npos);
    expect(std::ranges::count(text, '\n') == 4);
    expect(wire::is_utf8(text));
  }
}

void try_json(std::string_view text) {
  try_both_readers(text);
  try_request(text);
  try_answer(text);
  try_text(text);
  try_stream(text);
}

const target registered{"json", try_json};

} // namespace

} // namespace troupe::fuzz
