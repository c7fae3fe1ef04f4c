// The other process of turnstile_test.cpp.
//
//   turnstile_helper hold PATH    takes the lock, says "locked", gives it back at the first line
//   turnstile_helper slow PATH    the same, with turns that may last a minute
//   turnstile_helper flock PATH   the same, without a turnstile, as a person's flock on one file
//   turnstile_helper work PATH    the same as hold, at long work
//   turnstile_helper share PATH   says "ready"; takes turns from the first line to the second one;
//                                 then says "TURNS LONGEST_WAIT_IN_MICROSECONDS"

#include "runtime/store/sqlite/turnstile.hpp"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <iostream>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <unistd.h>

namespace {

using troupe::store::turnstile;
using namespace std::chrono_literals;

bool line_waits() {
  struct pollfd input {
    STDIN_FILENO, POLLIN, 0
  };

  return poll(&input, 1, 0) > 0;
}

int hold(turnstile& gate, bool at_long_work) {
  if (!gate.lock(60s)) {
    return 2;
  }
  std::optional<troupe::store::long_work> shown;
  if (at_long_work) {
    shown.emplace(gate);
  }
  std::cout << "locked" << std::endl;
  std::string line;
  std::getline(std::cin, line);
  shown.reset();
  gate.unlock();
  std::cout << "unlocked" << std::endl;
  return 0;
}

int hold_one_file(const std::string& path) {
  const int file = open((path + ".lock").c_str(), O_RDWR | O_CREAT, 0600);
  if (file < 0 || flock(file, LOCK_EX) != 0) {
    return 2;
  }
  std::cout << "locked" << std::endl;
  std::string line;
  std::getline(std::cin, line);
  return 0;
}

int share(turnstile& gate) {
  std::cout << "ready" << std::endl;
  char byte = 0;
  // Unbuffered, so that poll() sees the second line.
  if (read(STDIN_FILENO, &byte, 1) != 1) {
    return 3;
  }
  std::uint64_t turns = 0;
  auto longest = 0us;
  while (!line_waits()) {
    const auto asked = std::chrono::steady_clock::now();
    if (!gate.lock(10s)) {
      return 2;
    }
    const auto got = std::chrono::steady_clock::now();
    longest = std::max(longest, std::chrono::duration_cast<std::chrono::microseconds>(got - asked));
    // As long as a small turn with its fsync.
    while (std::chrono::steady_clock::now() - got < 100us) {
    }
    gate.unlock();
    ++turns;
  }
  std::cout << turns << ' ' << longest.count() << std::endl;
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    return 1;
  }
  const std::string_view mode{arguments[1]};
  if (mode == "flock") {
    return hold_one_file(arguments[2]);
  }
  auto gate = turnstile::open(arguments[2]);
  if (!gate) {
    return 1;
  }
  if (mode == "slow") {
    gate->set_limit(60s);
  }
  return mode == "share" ? share(*gate) : hold(*gate, mode == "work");
}
