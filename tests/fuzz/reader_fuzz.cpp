#include "runtime/wire/reader.hpp"

#include "runtime/wire/check.hpp"
#include "runtime/wire/json.hpp"
#include "tests/fuzz/target.hpp"

#include <msgpack/unpack.hpp>

#include <string>

namespace troupe::fuzz {

namespace {

using namespace wire;

// msgpack-c reads the same bytes; what it makes of them is followed with our reader.

void compare(reader& ours, const msgpack::object& theirs);

void compare_integer(reader& ours, const msgpack::object& theirs) {
  std::uint64_t natural = 0;
  std::int64_t whole = 0;
  if (theirs.type == msgpack::type::POSITIVE_INTEGER) {
    expect(ours.read(natural) && natural == theirs.via.u64);
  } else {
    expect(!ours.read(natural) && ours.read(whole) && whole == theirs.via.i64);
  }
}

void compare_entries(reader& ours, const msgpack::object& theirs) {
  std::uint32_t count = 0;
  if (theirs.type == msgpack::type::ARRAY) {
    expect(ours.read_array(count) && count == theirs.via.array.size);
    for (std::uint32_t i = 0; i < count; ++i) {
      compare(ours, theirs.via.array.ptr[i]);
    }
    return;
  }
  expect(ours.read_map(count) && count == theirs.via.map.size);
  for (std::uint32_t i = 0; i < count; ++i) {
    compare(ours, theirs.via.map.ptr[i].key);
    compare(ours, theirs.via.map.ptr[i].val);
  }
}

void compare(reader& ours, const msgpack::object& theirs) {
  bool flag = false;
  double real = 0;
  std::string_view bytes;
  switch (theirs.type) {
  case msgpack::type::NIL:
    return expect(ours.peek() == value_type::nil && ours.read_nil());
  case msgpack::type::BOOLEAN:
    return expect(ours.read(flag) && flag == theirs.via.boolean);
  case msgpack::type::POSITIVE_INTEGER:
  case msgpack::type::NEGATIVE_INTEGER:
    return compare_integer(ours, theirs);
  case msgpack::type::FLOAT32:
  case msgpack::type::FLOAT64:
    expect(ours.peek() == value_type::real && ours.read(real));
    // A signalling NaN becomes a quiet one where a float32 is widened.
    return expect(real != real ? theirs.via.f64 != theirs.via.f64 : real == theirs.via.f64);
  case msgpack::type::STR:
    return expect(
        ours.read_text(bytes)
        && bytes == std::string_view(theirs.via.str.ptr, theirs.via.str.size));
  case msgpack::type::BIN:
    return expect(
        ours.read_binary(bytes)
        && bytes == std::string_view(theirs.via.bin.ptr, theirs.via.bin.size));
  case msgpack::type::EXT:
    return expect(
        ours.read_extension(bytes)
        && bytes == std::string_view(theirs.via.ext.ptr, theirs.via.ext.size + 1U));
  case msgpack::type::ARRAY:
  case msgpack::type::MAP:
    return compare_entries(ours, theirs);
  }
}

/// Whether msgpack-c finds exactly one value, within what `check` allows.
bool is_one_value(std::string_view bytes, msgpack::object_handle& value) {
  const auto most = bytes.size();
  const msgpack::unpack_limit limit{most, most, most, most, most, std::size_t{depth_max}};
  try {
    std::size_t offset = 0;
    value = msgpack::unpack(bytes.data(), bytes.size(), offset, nullptr, nullptr, limit);
    return offset == bytes.size();
  } catch (const msgpack::unpack_error&) {
    return false;
  }
}

/// Every getter moves over one value or not at all, whatever comes.
void try_skipping(std::string_view bytes) {
  reader values{bytes};
  while (!values.at_end()) {
    const char* const at = values.position();
    std::string_view raw;
    reader copy = values;
    if (!values.read_raw(raw)) {
      expect(values.position() == at && !copy.skip() && copy.position() == at);
      return;
    }
    expect(raw.data() == at && is_within(raw, bytes) && !raw.empty());
    expect(copy.skip() && copy.position() == values.position());
  }
}

void try_value(std::string_view bytes) {
  try_skipping(bytes);
  msgpack::object_handle theirs;
  const bool is_theirs = is_one_value(bytes, theirs);
  const bool is_ours = check(bytes).has_value();
  // Text of ours is UTF-8, and no more elements are declared than there are bytes.
  expect(is_theirs || !is_ours);
  if (!is_ours) {
    return expect(!to_json(bytes).has_value());
  }
  reader ours{bytes};
  compare(ours, theirs.get());
  expect(ours.at_end());
  const auto json = to_json(bytes);
  expect(json.has_value());
  // MessagePack may have a key twice, which is refused on the way back.
  if (const auto packed = from_json(*json)) {
    expect(check(*packed).has_value());
  } else {
    expect(packed.error().message.find("twice") != std::string::npos);
  }
}

const target registered{"reader", try_value};

} // namespace

} // namespace troupe::fuzz
