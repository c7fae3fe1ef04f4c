#include "tests/strangler/canned_server.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdlib>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace troupe::strangler {

namespace {

/// How long the first request in `bytes` is; 0 if it has not come in whole.
std::size_t request_bytes(const std::string& bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) {
    return 0;
  }
  const std::size_t length = bytes.find("Content-Length: ");
  const std::size_t body =
      length < end ? static_cast<std::size_t>(std::atoi(bytes.c_str() + length + 16)) : 0;
  return bytes.size() >= end + 4 + body ? end + 4 + body : 0;
}

} // namespace

canned_server::canned_server(std::string answer, after then)
    : answer_{std::move(answer)}, then_{then}, listener_{::socket(AF_INET, SOCK_STREAM, 0)} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0
      || ::listen(listener_, 64) != 0
      || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error{"the canned server cannot listen"};
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread{[this] { accept_all(); }};
}

canned_server::~canned_server() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock{mutex_};
    is_ending_ = true;
    for (const int each : open_) {
      ::shutdown(each, SHUT_RDWR);
    }
    threads.swap(threads_);
  }
  for (std::thread& each : threads) {
    each.join();
  }
  ::close(listener_);
}

std::string canned_server::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

std::vector<std::string> canned_server::requests(std::size_t count) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, std::chrono::seconds{30}, [&] { return requests_.size() >= count; });
  return requests_;
}

void canned_server::accept_all() {
  for (int connection = ::accept(listener_, nullptr, nullptr); connection >= 0;
       connection = ::accept(listener_, nullptr, nullptr)) {
    ++connections_;
    const std::lock_guard lock{mutex_};
    open_.push_back(connection);
    threads_.emplace_back([this, connection] { serve(connection); });
  }
}

void canned_server::serve(int connection) {
  std::string bytes;
  std::array<char, 4'096> buffer{};
  for (bool goes_on = true; goes_on;) {
    if (const std::size_t whole = request_bytes(bytes); whole != 0) {
      {
        const std::lock_guard lock{mutex_};
        requests_.push_back(bytes.substr(0, whole));
        changed_.notify_all();
      }
      bytes.erase(0, whole);
      (void)!::send(connection, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      goes_on = then_ == after::keep;
      continue;
    }
    const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
    goes_on = got > 0;
    bytes.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  const std::lock_guard lock{mutex_};
  std::erase(open_, connection);
  ::close(connection);
}

} // namespace troupe::strangler
