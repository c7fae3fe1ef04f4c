#include "runtime/line_output.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

/// Two descriptors, closed at the end: what is written to `ends[1]` is read from `ends[0]`.
struct channel {
  channel() = default;
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;

  ~channel() {
    ::close(ends[0]);
    ::close(ends[1]);
  }

  std::string read() const {
    std::string found(1U << 20U, '\0');
    const auto size = ::read(ends[0], found.data(), found.size());
    found.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return found;
  }

  std::array<int, 2> ends{-1, -1};
};

/// Writes lines of `size` bytes until one is lost. @return how many were taken.
std::size_t fill(line_output& to, std::size_t size) {
  const std::string line = std::string(size - 1, 'x') + '\n';
  std::size_t taken = 0;
  while (taken < 10'000 && to.write(line)) {
    ++taken;
  }
  return taken;
}

/// Whether all lines of `text` are `x`s, `size` with the line break.
bool are_whole(const std::string& text, std::size_t size) {
  for (std::size_t at = 0; at < text.size(); at += size) {
    const std::size_t end = text.find('\n', at);
    if (end != at + size - 1 || text.find_first_not_of('x', at) != end) {
      return false;
    }
  }
  return true;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_line_output, *utf::label("unit") * utf::timeout(20))

// Lines larger than what a pipe takes as a whole are begun when there is room for a part.
BOOST_AUTO_TEST_CASE(a_full_pipe_is_not_waited_for_and_lines_stay_whole) {
  for (const std::size_t size : {100U, 7'000U}) {
    channel pipe;
    BOOST_REQUIRE(::pipe(pipe.ends.data()) == 0);
    line_output out{pipe.ends[1]};

    const std::size_t taken = fill(out, size);
    std::string text = pipe.read();
    BOOST_TEST(out.write(std::string(size - 1, 'x') + '\n'));
    text += pipe.read();

    BOOST_TEST(taken > 0U);
    BOOST_TEST(text.size() == (taken + 1) * size);
    BOOST_TEST(are_whole(text, size));
  }
}

// The flag belongs to the open file: whoever shares the pipe must not find it changed.
BOOST_AUTO_TEST_CASE(the_descriptor_given_still_blocks) {
  channel pipe;
  BOOST_REQUIRE(::pipe(pipe.ends.data()) == 0);
  line_output out{pipe.ends[1]};

  BOOST_TEST((::fcntl(pipe.ends[1], F_GETFL) & O_NONBLOCK) == 0);
}

BOOST_AUTO_TEST_CASE(a_full_socket_is_not_waited_for) {
  channel pair;
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.ends.data()) == 0);
  line_output out{pair.ends[1]};

  BOOST_TEST(fill(out, 1'000) > 0U);
  BOOST_TEST(are_whole(pair.read().substr(0, 5'000), 1'000));
}

BOOST_AUTO_TEST_CASE(a_reader_that_left_costs_lines_and_nothing_else) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  channel pipe;
  BOOST_REQUIRE(::pipe(pipe.ends.data()) == 0);
  line_output out{pipe.ends[1]};
  ::close(pipe.ends[0]);
  pipe.ends[0] = -1;

  BOOST_TEST(!out.write("a line\n"));
  BOOST_TEST(!out.write("another\n"));
}

BOOST_AUTO_TEST_CASE(a_file_gets_every_line_in_its_place) {
  channel file;
  std::string name = "/tmp/troupe-line-output-XXXXXX";
  file.ends[1] = ::mkstemp(name.data());
  file.ends[0] = ::open(name.c_str(), O_RDONLY);
  ::unlink(name.c_str());
  line_output out{file.ends[1]};

  BOOST_TEST(out.write("one\n"));
  BOOST_TEST(::write(file.ends[1], "two\n", 4) == 4);
  BOOST_TEST(out.write("three\n"));
  BOOST_TEST(file.read() == "one\ntwo\nthree\n");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
