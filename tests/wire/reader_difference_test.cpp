#include "runtime/wire/check.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"
#include "tests/wire/bytes.hpp"

#include <boost/test/unit_test.hpp>
#include <msgpack/unpack.hpp>

#include <bit>
#include <random>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

// What our reader and msgpack-c make of the same bytes, told in the same words.

void describe(const msgpack::object& value, std::string& to) {
  switch (value.type) {
  case msgpack::type::NIL:
    to += "nil ";
    return;
  case msgpack::type::BOOLEAN:
    to += value.via.boolean ? "true " : "false ";
    return;
  case msgpack::type::POSITIVE_INTEGER:
    to += "u" + std::to_string(value.via.u64) + " ";
    return;
  case msgpack::type::NEGATIVE_INTEGER:
    to += "i" + std::to_string(value.via.i64) + " ";
    return;
  case msgpack::type::FLOAT32:
  case msgpack::type::FLOAT64:
    to += "r" + std::to_string(std::bit_cast<std::uint64_t>(value.via.f64)) + " ";
    return;
  case msgpack::type::STR:
    to += "s" + to_hex({value.via.str.ptr, value.via.str.size}) + " ";
    return;
  case msgpack::type::BIN:
    to += "b" + to_hex({value.via.bin.ptr, value.via.bin.size}) + " ";
    return;
  case msgpack::type::EXT:
    to += "x" + to_hex({value.via.ext.ptr, value.via.ext.size + 1U}) + " ";
    return;
  case msgpack::type::ARRAY:
    to += "[ ";
    for (std::uint32_t i = 0; i < value.via.array.size; ++i) {
      describe(value.via.array.ptr[i], to);
    }
    to += "] ";
    return;
  case msgpack::type::MAP:
    to += "{ ";
    for (std::uint32_t i = 0; i < value.via.map.size; ++i) {
      describe(value.via.map.ptr[i].key, to);
      describe(value.via.map.ptr[i].val, to);
    }
    to += "} ";
    return;
  }
}

void describe(reader& from, std::string& to);

void describe_integer(reader& from, std::string& to) {
  std::int64_t whole = 0;
  std::uint64_t natural = 0;
  if (from.read(natural)) {
    to += "u" + std::to_string(natural) + " ";
  } else {
    BOOST_REQUIRE(from.read(whole));
    to += "i" + std::to_string(whole) + " ";
  }
}

void describe_many(reader& from, std::uint64_t count, std::string& to) {
  for (; count > 0; --count) {
    describe(from, to);
  }
}

void describe(reader& from, std::string& to) {
  bool flag = false;
  double real = 0;
  std::string_view text;
  std::uint32_t count = 0;
  switch (from.peek()) {
  case value_type::nil:
    BOOST_REQUIRE(from.read_nil());
    to += "nil ";
    return;
  case value_type::boolean:
    BOOST_REQUIRE(from.read(flag));
    to += flag ? "true " : "false ";
    return;
  case value_type::integer:
    return describe_integer(from, to);
  case value_type::real:
    BOOST_REQUIRE(from.read(real));
    to += "r" + std::to_string(std::bit_cast<std::uint64_t>(real)) + " ";
    return;
  case value_type::text:
    BOOST_REQUIRE(from.read_text(text));
    to += "s" + to_hex(text) + " ";
    return;
  case value_type::binary:
    BOOST_REQUIRE(from.read_binary(text));
    to += "b" + to_hex(text) + " ";
    return;
  case value_type::extension: {
    BOOST_REQUIRE(from.read_raw(text));
    // After the head, which is one byte for fixext and two, three or five for the others.
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t head = first >= 0xd4 ? 1 : first == 0xc7 ? 2 : first == 0xc8 ? 3 : 5;
    to += "x" + to_hex(text.substr(head)) + " ";
    return;
  }
  case value_type::array:
    BOOST_REQUIRE(from.read_array(count));
    to += "[ ";
    describe_many(from, count, to);
    to += "] ";
    return;
  case value_type::map:
    BOOST_REQUIRE(from.read_map(count));
    to += "{ ";
    describe_many(from, 2ULL * count, to);
    to += "} ";
    return;
  case value_type::none:
    BOOST_FAIL("a checked value holds nothing readable");
  }
}

std::string as_we_see(std::string_view bytes) {
  if (!check(bytes)) {
    return "refused";
  }
  std::string told;
  reader from{bytes};
  describe(from, told);
  return told;
}

std::string as_they_see(std::string_view bytes) {
  // Their limits, set to what `check` allows; unpack takes bytes left over for success.
  const auto most = bytes.size();
  const msgpack::unpack_limit limit{most, most, most, most, most, std::size_t{depth_max}};
  std::string told;
  try {
    std::size_t offset = 0;
    const auto value = msgpack::unpack(bytes.data(), bytes.size(), offset, nullptr, nullptr, limit);
    if (offset != bytes.size()) {
      return "refused";
    }
    describe(value.get(), told);
  } catch (const msgpack::unpack_error&) {
    return "refused";
  }
  return told;
}

/// Random values. The seed is fixed: a failure is the same failure again.
class value_source {
public:
  explicit value_source(std::uint64_t seed) : random_{seed} {}

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  std::string next() {
    std::string bytes;
    writer to{bytes};
    append(to, bytes, 1);
    return bytes;
  }

  std::string mutated(std::string bytes) {
    for (std::uint64_t changes = 1 + below(3); changes > 0; --changes) {
      const std::size_t at = below(bytes.size() + 1);
      switch (bytes.empty() ? 0 : below(4)) {
      case 0:
        bytes.insert(at, 1, static_cast<char>(below(256)));
        break;
      case 1:
        bytes.resize(at);
        break;
      case 2:
        bytes.erase(at % bytes.size(), 1);
        break;
      default:
        bytes[at % bytes.size()] = static_cast<char>(below(256));
      }
    }
    return bytes;
  }

private:
  std::string some_bytes() {
    // Around the edges of the length formats, now and then.
    constexpr std::uint64_t sizes[] = {0, 1, 2, 4, 8, 16, 31, 32, 255, 256, 300};
    std::string bytes(sizes[below(std::size(sizes))], '\0');
    for (char& byte : bytes) {
      byte = static_cast<char>(below(256));
    }
    return bytes;
  }

  void append_extension(std::string& bytes) {
    constexpr char fixed[] = {'\xd4', '\xd5', '\xd6', '\xd7', '\xd8'};
    const std::uint64_t which = below(6);
    if (which < 5) {
      bytes += fixed[which];
      bytes.append((std::size_t{1} << which) + 1, 'x');
      return;
    }
    const std::uint64_t size = below(200);
    bytes += '\xc7';
    bytes += static_cast<char>(size);
    bytes.append(size + 1, 'y');
  }

  void append_float32(std::string& bytes) {
    bytes += '\xca';
    bytes += static_cast<char>(0x40 + below(2));
    bytes.append(3, static_cast<char>(below(256)));
  }

  void append(writer& to, std::string& bytes, int depth) {
    const std::uint64_t width = below(65);
    const std::uint64_t number = width == 0 ? 0 : random_() >> (64 - width);
    switch (below(depth > depth_max ? 9 : 13)) {
    case 0:
      return to.nil();
    case 1:
      return to.boolean(below(2) == 0);
    case 2:
      return to.unsigned_integer(number);
    case 3:
      return to.integer(-static_cast<std::int64_t>(number >> 1U));
    case 4:
      return to.real(std::bit_cast<double>(random_()));
    case 5:
      return to.text(some_bytes());
    case 6:
      return to.binary(some_bytes());
    case 7:
      return append_extension(bytes);
    case 8:
      return append_float32(bytes);
    default:
      return append_container(to, bytes, depth);
    }
  }

  void append_container(writer& to, std::string& bytes, int depth) {
    const auto count = static_cast<std::uint32_t>(below(below(8) == 0 ? 40 : 5));
    const bool is_map = below(2) == 0;
    is_map ? to.map(count) : to.array(count);
    for (std::uint32_t left = is_map ? 2 * count : count; left > 0; --left) {
      append(to, bytes, depth + (count > 4 ? depth_max : 1));
    }
  }

  std::mt19937_64 random_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_reader_difference, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(msgpack_c_sees_what_we_see_in_well_formed_values) {
  value_source values{20261123};
  for (int i = 0; i < 5'000; ++i) {
    exactly(values.next(), [](std::string_view bytes) {
      const std::string ours = as_we_see(bytes);
      BOOST_REQUIRE(ours != "refused");
      BOOST_REQUIRE_EQUAL(ours, as_they_see(bytes));
    });
  }
}

BOOST_AUTO_TEST_CASE(msgpack_c_sees_what_we_see_in_damaged_values) {
  value_source values{53};
  int refused = 0;
  for (int i = 0; i < 30'000; ++i) {
    exactly(values.mutated(values.next()), [&](std::string_view bytes) {
      const std::string ours = as_we_see(bytes);
      refused += ours == "refused";
      BOOST_REQUIRE_MESSAGE(ours == as_they_see(bytes), to_hex(bytes));
    });
  }

  // Neither side was asked trivial questions only.
  BOOST_TEST(refused > 5'000);
  BOOST_TEST(refused < 29'000);
}

BOOST_AUTO_TEST_CASE(skipping_ends_where_msgpack_c_ends) {
  value_source values{1};
  for (int i = 0; i < 5'000; ++i) {
    const std::string first = values.next();
    const std::string two = first + values.next();
    std::size_t offset = 0;
    (void)msgpack::unpack(two.data(), two.size(), offset);
    reader from{two};

    BOOST_REQUIRE(from.skip());
    BOOST_REQUIRE_EQUAL(from.position() - two.data(), offset);
    BOOST_REQUIRE_EQUAL(offset, first.size());
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire
