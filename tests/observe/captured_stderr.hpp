#pragma once

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <utility>

namespace troupe::observe {

/// A pipe in the place of stderr while it lives. For logs that are made after it.
class captured_stderr {
public:
  captured_stderr() {
    BOOST_REQUIRE(::pipe(ends_.data()) == 0);
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK); // A test that finds nothing fails, and does not hang.
    ::dup2(ends_[1], STDERR_FILENO);
    ::close(ends_[1]);
  }

  ~captured_stderr() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    leave();
  }

  captured_stderr(const captured_stderr&) = delete;
  captured_stderr& operator=(const captured_stderr&) = delete;

  /// What there is, up to 1 MiB.
  std::string read() const {
    std::string found(1U << 20U, '\0');
    const auto size = ::read(ends_[0], found.data(), found.size());
    found.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return found;
  }

  void leave() {
    if (ends_[0] >= 0) {
      ::close(std::exchange(ends_[0], -1));
    }
  }

private:
  std::array<int, 2> ends_{-1, -1};
  int before_ = ::dup(STDERR_FILENO);
};

} // namespace troupe::observe
