#include "runtime/observe/event_log.hpp"

#include "tests/observe/captured_stderr.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace utf = boost::unit_test;

namespace troupe::observe {

namespace {

using namespace std::chrono_literals;

const system_clock real_time;

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_observe_event_log, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(lines_that_nobody_reads_are_lost_and_the_next_reader_is_told) {
  captured_stderr captured;
  event_log log{real_time, "n1", log_format::json};
  const std::string large(1'000, 'x');
  constexpr int written = 200;
  for (int i = 0; i < written; ++i) {
    // Of no event so many that it is left out as a repeat.
    log.write("thing.happened_" + std::to_string(i % 10), {{"what", large}});
  }
  const std::string before = captured.read();
  log.write("thing.ended");
  std::string after = captured.read();

  BOOST_TEST(before.ends_with("}\n") == after.starts_with("{"));
  after = after.substr(after.find(R"({"at")"));
  const auto kept = std::ranges::count(before, '{');
  BOOST_TEST(kept < written);
  BOOST_TEST(
      after.find(R"("event":"log.lines_lost","count":")" + std::to_string(written - kept) + R"("})")
      != std::string::npos);
  BOOST_TEST(after.find("thing.ended") > after.find("lines_lost"));
}

BOOST_AUTO_TEST_CASE(a_reader_that_leaves_ends_nothing) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  captured_stderr captured;
  event_log log{real_time, "n1", log_format::text};
  captured.leave();

  log.write("thing.happened");
}

BOOST_AUTO_TEST_CASE(a_value_of_a_peer_does_not_fill_the_log) {
  captured_stderr captured;
  event_log log{real_time, "n1", log_format::text};

  log.write("login_refused", {{"node", std::string(600'000, 'x')}});

  const std::string line = captured.read();
  BOOST_TEST(line.size() < 4'300U);
  BOOST_TEST(line.ends_with("(600000 bytes)\"\n"));
}

// Probe P13 of runtime/security/README.md: neither a line nor a colour of its own.
BOOST_AUTO_TEST_CASE(no_value_says_anything_to_the_terminal) {
  captured_stderr captured;
  event_log log{real_time, "n1", log_format::text};

  for (const std::string_view value :
       {"a\nb", "a\rb", "a\vb", "a\fb", "a\x1b[2Jb", "a\bb", "a who=b", "a\"b"}) {
    log.write("access_refused", {{"what", std::string{value}}});
    const std::string line = captured.read();
    BOOST_TEST(line.find(" what=\"a") != std::string::npos, line);
    BOOST_TEST(
        std::ranges::count_if(line, [](char c) { return static_cast<unsigned char>(c) < ' '; })
            == 1, // The end of the line.
        line);
  }
}

// JSON asks for none of these to be escaped, and terminals and readers of lines know them all:
// DEL, NEL, CSI, a line separator, an override of the direction, a tag, and a byte that is no
// UTF-8.
BOOST_AUTO_TEST_CASE(what_has_a_meaning_and_no_look_is_written_by_its_number) {
  const auto line_of = [](log_format format, const std::string& value) {
    captured_stderr captured;
    event_log log{real_time, "n1", format};
    log.write("access_refused", {{"what", value}});
    return captured.read();
  };
  const auto cases = std::to_array<std::pair<std::string_view, std::string_view>>(
      {{"\x7f", "\\u007f"},
       {"\xc2\x85", "\\u0085"},
       {"\xc2\x9b", "\\u009b"},
       {"\xe2\x80\xa8", "\\u2028"},
       {"\xe2\x80\xae", "\\u202e"},
       {"\xf3\xa0\x80\x81", "\\udb40\\udc01"},
       {"\x9b", "\xef\xbf\xbd"}});
  for (const auto& [raw, shown] : cases) {
    const std::string value = fmt::format("a{}b\xc3\xbc", raw);
    const std::string quoted = fmt::format("\"a{}b\xc3\xbc\"", shown);
    BOOST_TEST(line_of(log_format::text, value).ends_with(fmt::format(" what={}\n", quoted)));
    BOOST_TEST(line_of(log_format::json, value).ends_with(fmt::format("\"what\":{}}}\n", quoted)));
  }
  BOOST_TEST(
      line_of(log_format::text, "gr\xc3\xb6\xc3\x9f").ends_with(" what=gr\xc3\xb6\xc3\x9f\n"));
}

// What happens a thousand times is told so often as a person reads it, with how often it was.
BOOST_AUTO_TEST_CASE(repeats_are_left_out_and_counted) {
  manual_clock time;
  captured_stderr captured;
  {
    event_log log{time, "n1", log_format::text};
    for (int i = 0; i < 1'000; ++i) {
      log.write("thing.failed", {{"number", std::to_string(i)}});
    }
    log.write("other.happened");
    const std::string first = captured.read();
    BOOST_TEST(std::ranges::count(first, '\n') == 101);
    BOOST_TEST(first.find("number=99") != std::string::npos);
    BOOST_TEST(first.find("other.happened") != std::string::npos);

    time.advance(1s);
    log.write("other.happened");
    BOOST_TEST(captured.read().find("log.left_out of=thing.failed count=900") != std::string::npos);
    for (int i = 0; i < 12; ++i) {
      log.write("thing.failed");
    }
    captured.read();
  }
  BOOST_TEST(captured.read().find("log.left_out of=thing.failed count=2") != std::string::npos);
}

// What was left out is told when it is quiet again, without another line.
BOOST_AUTO_TEST_CASE(what_was_left_out_is_told_in_silence) {
  manual_clock time;
  captured_stderr captured;
  event_log log{time, "n1", log_format::text};
  for (int i = 0; i < 103; ++i) {
    log.write("thing.failed", {{"capability", "orders"}});
  }
  log.write("other.happened");
  captured.read();

  time.advance(1s);
  log.tell_left_out();

  BOOST_TEST(
      captured.read().find("log.left_out of=thing.failed count=3 capability=orders\n")
      != std::string::npos);
}

// The burst of one capability hides the first error of no other.
BOOST_AUTO_TEST_CASE(capabilities_are_told_apart) {
  manual_clock time;
  captured_stderr captured;
  event_log log{time, "n1", log_format::text};
  for (int i = 0; i < 200; ++i) {
    log.write("call_convicted", {{"id", "7"}, {"capability", "orders"}});
  }
  captured.read();

  log.write("call_convicted", {{"id", "8"}, {"capability", "users"}});

  BOOST_TEST(captured.read().find("id=8 capability=users") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(made_up_capabilities_share_what_is_left) {
  line_rates rates;
  int taken = 0;
  for (std::size_t i = 0; i < line_rates::pairs_max + 1'000; ++i) {
    taken += rates.takes("thing.failed", "c" + std::to_string(i), {}) ? 1 : 0;
  }

  BOOST_TEST(taken == line_rates::pairs_max + 100);
  BOOST_TEST(rates.takes("thing.failed", "c0", {}));
  BOOST_TEST(rates.take_left_out({}, true).size() == 1U);
}

// Who did what, and who was refused: each line counts.
BOOST_AUTO_TEST_CASE(no_audit_line_is_left_out) {
  line_rates rates;
  for (int i = 0; i < 1'000; ++i) {
    for (const std::string_view each : {"access_refused", "page.order_given", "page.ordered"}) {
      BOOST_REQUIRE(rates.takes(each, {}, {}));
    }
  }
  BOOST_TEST(rates.take_left_out({}, true).empty());
}

BOOST_AUTO_TEST_CASE(the_journal_of_systemd_gets_the_level_first) {
  captured_stderr captured;

  struct stat about {};

  BOOST_REQUIRE(::fstat(STDERR_FILENO, &about) == 0);
  const std::string stream = fmt::format("{}:{}", about.st_dev, about.st_ino);
  BOOST_TEST(is_journal(STDERR_FILENO, stream.c_str()));
  BOOST_TEST(!is_journal(STDERR_FILENO, "1:2"));
  BOOST_TEST(!is_journal(STDERR_FILENO, nullptr));
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);

  for (const auto format : {log_format::text, log_format::json}) {
    event_log log{real_time, "n1", format};
    log.write("thing.happened");
    BOOST_TEST(captured.read().starts_with("<6>"));
    log.write("worker.broken");
    BOOST_TEST(captured.read().starts_with("<3>"));
    log.write("broker.lost");
    BOOST_TEST(captured.read().starts_with("<4>"));
  }
  ::unsetenv("JOURNAL_STREAM");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::observe
