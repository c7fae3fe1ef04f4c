#include "runtime/wire/envelope.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/writer.hpp"
#include "tests/wire/bytes.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <utility>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

/// Entries of a header, each with its value as MessagePack, to be left out and replaced.
using entries = std::vector<std::pair<std::string, std::string>>;

std::string value(const std::function<void(writer&)>& write) {
  std::string bytes;
  writer to{bytes};
  write(to);
  return bytes;
}

std::string text(std::string_view words) {
  return value([&](writer& to) { to.text(words); });
}

std::string number(std::uint64_t natural) {
  return value([&](writer& to) { to.unsigned_integer(natural); });
}

std::string id_value() {
  return hex("c4 10") + hex("018f3c1e7a2b7c3d8e4f5061728394a5");
}

std::string header_of(const entries& all) {
  return value([&](writer& to) {
    to.map(static_cast<std::uint32_t>(all.size()));
    for (const auto& [key, bytes] : all) {
      to.text(key);
      to.raw(bytes);
    }
  });
}

entries call() {
  return {
      {"v", number(1)},
      {"kind", text("call")},
      {"id", id_value()},
      {"to", text("orders")},
      {"op", text("place")},
      {"ttl", number(5000)}};
}

entries failed_reply() {
  return {
      {"v", number(1)},
      {"kind", text("reply")},
      {"id", id_value()},
      {"status", text("error")},
      {"error", hex("80")}};
}

entries with(entries all, std::string_view key, const std::string& bytes) {
  const auto found = std::ranges::find_if(all, [&](const auto& each) { return each.first == key; });
  if (found == all.end()) {
    all.emplace_back(key, bytes);
  } else {
    found->second = bytes;
  }
  return all;
}

entries without(entries all, std::string_view key) {
  std::erase_if(all, [&](const auto& each) { return each.first == key; });
  return all;
}

std::string fault_of(std::string_view bytes) {
  std::string fault;
  exactly(bytes, [&](std::string_view block) {
    const auto header = scan_header(block);
    fault = header ? "none" : header.error().message;
    BOOST_TEST((header || header.error().code == errc::invalid));
    BOOST_TEST((header || header.error().possible == effect::none));
  });
  return fault;
}

std::string fault_of(const entries& all) {
  return fault_of(header_of(all));
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_hostile_header, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(the_headers_these_tests_spoil_are_good) {
  BOOST_TEST(fault_of(call()) == "none");
  BOOST_TEST(fault_of(failed_reply()) == "none");
}

BOOST_AUTO_TEST_CASE(a_missing_key_is_named) {
  for (const char* key : {"v", "kind", "id", "to", "op", "ttl"}) {
    BOOST_TEST(
        fault_of(without(call(), key)) == fmt::format("header: the key `{}` is missing", key));
  }
  for (const char* key : {"v", "kind", "id", "status", "error"}) {
    BOOST_TEST(
        fault_of(without(failed_reply(), key))
        == fmt::format("header: the key `{}` is missing", key));
  }
  BOOST_TEST(fault_of(hex("80")) == "header: the key `v` is missing");
}

BOOST_AUTO_TEST_CASE(a_reply_that_is_no_error_needs_no_error) {
  BOOST_TEST(fault_of(without(with(failed_reply(), "status", text("ok")), "error")) == "none");
}

BOOST_AUTO_TEST_CASE(a_value_of_another_type_is_named) {
  const std::string real = value([](writer& to) { to.real(1.5); });
  for (const auto& [key, wants] : std::vector<std::pair<const char*, const char*>>{
           {"v", "an integer from 1 to 255"},
           {"kind", "the name of a kind of message"},
           {"id", "16 bytes (binary, not text)"},
           {"to", "UTF-8 text of 1 to 64 bytes"},
           {"op", "UTF-8 text of 1 to 64 bytes"},
           {"ttl", "an integer from 0 to 4294967295"},
           {"key", "UTF-8 text of at most 256 bytes"},
           {"source", "UTF-8 text of at most 256 bytes"},
           {"traceparent", "UTF-8 text of at most 256 bytes"},
           {"status", "ok, error or pending"},
           {"error", "a map"}}) {
    for (const std::string& wrong : {real, hex("c0"), hex("c2"), hex("90"), hex("d4 01 02")}) {
      BOOST_TEST(
          fault_of(with(call(), key, wrong)) == fmt::format("header: `{}` must be {}", key, wants));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_value_out_of_range_is_named) {
  const auto is_refused = [](std::string_view key, const std::string& bytes) {
    return fault_of(with(call(), key, bytes)).starts_with(fmt::format("header: `{}` must be", key));
  };

  BOOST_TEST(is_refused("v", number(0)));
  BOOST_TEST(is_refused("v", number(256)));
  BOOST_TEST(is_refused("v", hex("ff")));
  BOOST_TEST(is_refused("kind", text("")));
  BOOST_TEST(is_refused("kind", text("dance")));
  BOOST_TEST(is_refused("kind", text("CALL")));
  BOOST_TEST(is_refused("status", text("")));
  BOOST_TEST(is_refused("status", text("fine")));
  BOOST_TEST(is_refused("id", hex("c4 00")));
  BOOST_TEST(is_refused("id", hex("c4 0f") + std::string(15, 'i')));
  BOOST_TEST(is_refused("id", hex("c4 11") + std::string(17, 'i')));
  BOOST_TEST(is_refused("id", text("018f3c1e-7a2b-7c3d-8e4f-5061728394a5")));
  BOOST_TEST(is_refused("ttl", hex("ff")));
  BOOST_TEST(is_refused("ttl", number(std::uint64_t{1} << 32U)));
  BOOST_TEST(is_refused("to", text("")));
  BOOST_TEST(is_refused("op", text("")));
  BOOST_TEST(is_refused("to", text(std::string(65, 'x'))));
  BOOST_TEST(is_refused("op", text(std::string(65, 'x'))));
  BOOST_TEST(is_refused("key", text(std::string(257, 'x'))));
  BOOST_TEST(fault_of(with(call(), "to", text(std::string(64, 'x')))) == "none");
  BOOST_TEST(fault_of(with(call(), "key", text(std::string(256, 'x')))) == "none");
}

// Such bytes would travel on into logs, metrics and the replies of others.
BOOST_AUTO_TEST_CASE(text_that_is_not_utf8_is_refused) {
  for (const char* key : {"to", "op", "key", "source", "traceparent"}) {
    BOOST_TEST(
        fault_of(with(call(), key, text("bad\xff"))).starts_with(fmt::format("header: `{}`", key)));
    BOOST_TEST(fault_of(with(call(), key, text("gr\xc3\xbc\xc3\x9f"))) == "none");
  }
}

BOOST_AUTO_TEST_CASE(a_key_that_comes_twice_is_named) {
  for (const char* key : {"v", "kind", "id", "to", "op", "ttl"}) {
    entries all = call();
    const auto found =
        std::ranges::find_if(all, [&](const auto& each) { return each.first == key; });
    all.push_back(*found);

    BOOST_TEST(fault_of(all) == fmt::format("header: the key `{}` comes twice", key));
  }
}

BOOST_AUTO_TEST_CASE(unknown_keys_are_passed_over_whatever_they_hold) {
  entries all = call();
  all.insert(all.begin(), {"topic", hex("93 01 81 a1 61 c0 c4 01 00")});
  all.push_back({"baggage", hex("d6 05 01020304")});
  all.push_back({"baggage", hex("c0")});

  BOOST_TEST(fault_of(all) == "none");
}

BOOST_AUTO_TEST_CASE(another_version_is_answered_with_ours) {
  const std::string fault = "protocol version 99 is not spoken here; use 1";

  BOOST_TEST(fault_of(with(call(), "v", number(99))) == fault);
  // What else is odd about the message of another version is no fault of its sender.
  BOOST_TEST(fault_of(with(with(call(), "v", number(99)), "kind", text("dance"))) == fault);
  BOOST_TEST(fault_of(with(without(call(), "ttl"), "v", number(99))) == fault);
}

BOOST_AUTO_TEST_CASE(the_id_to_answer_to_is_found_although_something_is_wrong) {
  for (const entries& all :
       {with(call(), "v", number(99)),
        with(call(), "kind", text("dance")),
        with(call(), "to", text("")),
        without(call(), "ttl"),
        entries{{"v", number(1)}, {"kind", hex("93 01 02 03")}, {"id", id_value()}}}) {
    const std::string bytes = header_of(all);
    header_view partial;

    BOOST_TEST(!scan_header(bytes, &partial).has_value());
    BOOST_TEST(partial.has_id);
    BOOST_TEST((partial.id == call_id()));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_map_is_no_header) {
  for (const char* bytes : {"", "c0", "93 01 02 03", "a4 63616c6c", "c1", "c1 01", "de 00"}) {
    BOOST_TEST(fault_of(hex(bytes)) == "header: not a MessagePack map", bytes);
  }
  BOOST_TEST(fault_of(hex("81 01 02")) == "header: a key is not text, or the header is cut off");
  BOOST_TEST(fault_of("GET / HTTP/1.1\r\n\r\n") == "header: not a MessagePack map");
}

BOOST_AUTO_TEST_CASE(bytes_left_over_are_refused) {
  BOOST_TEST(fault_of(header_of(call()) + '\0') == "header: bytes left over after the map");
}

BOOST_AUTO_TEST_CASE(sixteen_kibibytes_are_the_limit) {
  entries all = call();
  all.emplace_back("pad", "");
  // The pad's own head is three bytes.
  const std::size_t room = header_bytes_max - header_of(all).size() - 3;

  all.back().second = text(std::string(room, 'x'));
  BOOST_TEST(header_of(all).size() == header_bytes_max);
  BOOST_TEST(fault_of(all) == "none");

  all.back().second = text(std::string(room + 1, 'x'));
  BOOST_TEST(fault_of(all) == "header of 16385 bytes; 16384 are the limit");
}

// None of these may cost more than their own length.
BOOST_AUTO_TEST_CASE(declared_sizes_are_not_believed) {
  const std::string cut = "header: malformed or cut off";
  for (const std::string& bomb :
       {hex("dd ff ff ff ff"),
        hex("df ff ff ff ff"),
        hex("db 40 00 00 00"),
        hex("c6 ff ff ff ff"),
        repeated("\xdc\xff\xff", 5000),
        repeated("\x91", 16'000)}) {
    BOOST_TEST(fault_of(with(call(), "unknown", bomb)) == cut);
    BOOST_TEST(fault_of(with(call(), "error", bomb)).starts_with("header: "));
    BOOST_TEST(fault_of(with(call(), "to", bomb)) != "none");
  }
  BOOST_TEST(
      fault_of(hex("df ff ff ff ff")) == "header: a key is not text, or the header is cut off");
  BOOST_TEST(fault_of(hex("81 db 40 00 00 00 61")) != "none");
  BOOST_TEST(
      fault_of(repeated("\xdc\xff\xff", 64 * 1024 / 3))
      == "header of 65535 bytes; 16384 are the limit");
  BOOST_TEST(fault_of(repeated("\x91", 100'000)) == "header of 100000 bytes; 16384 are the limit");
}

// Nesting in a header is passed over by counting, not by recursion.
BOOST_AUTO_TEST_CASE(depth_in_an_unknown_key_costs_nothing) {
  BOOST_TEST(fault_of(with(call(), "deep", repeated("\x91", 16'000) + '\x01')) == "none");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire
