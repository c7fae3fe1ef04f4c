#include "runtime/text_file.hpp"

#include "runtime/clock.hpp"
#include "runtime/descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/types.h>
#include <system_error>
#include <unistd.h>

namespace troupe {

namespace {

// How long to wait for a pipe; its writer should have the text ready.
constexpr milliseconds pipe_patience{5'000};

failure unreadable(int number) {
  return failure{invalid(std::generic_category().message(number))};
}

} // namespace

outcome<std::string> read_text_file(const std::string& file, std::size_t bytes_max) {
  std::error_code wrong;
  if (std::filesystem::is_directory(file, wrong)) {
    return failure{invalid("it is a folder")};
  }
  // Opening a pipe must not block until it has a writer.
  const descriptor opened{::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (!opened.is_open()) {
    return unreadable(errno);
  }
  std::string text;
  pollfd readable{.fd = opened.number(), .events = POLLIN, .revents = 0};
  while (text.size() <= bytes_max) {
    if (::poll(&readable, 1, static_cast<int>(pipe_patience.count())) == 0) {
      return failure{invalid("nobody writes into this pipe")};
    }
    std::array<char, 65'536> part{};
    const ssize_t size = ::read(opened.number(), part.data(), part.size());
    if (size < 0 && errno != EINTR && errno != EAGAIN) {
      return unreadable(errno);
    }
    if (size == 0) {
      break;
    }
    text.append(part.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }
  text.resize(std::min(text.size(), bytes_max + 1));
  return text;
}

} // namespace troupe
