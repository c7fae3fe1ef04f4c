#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace troupe::strangler {

/// A server on loopback that answers whatever it is told to, byte by byte, and keeps what it was
/// asked. Serves any number of connections, a thread each.
class canned_server {
public:
  /// How a connection goes on after an answer.
  enum class after { keep, close };

  /// @param answer goes out for each request; empty: none does.
  explicit canned_server(std::string answer, after then = after::keep);
  ~canned_server();
  canned_server(const canned_server&) = delete;
  canned_server& operator=(const canned_server&) = delete;

  /// "http://127.0.0.1:PORT".
  std::string url() const;

  /// Waits for `count` requests, heads and bodies.
  std::vector<std::string> requests(std::size_t count);

  std::size_t connections() const { return connections_; }

private:
  void accept_all();
  void serve(int connection);

  const std::string answer_;
  const after then_;
  int listener_;
  int port_ = 0;
  std::atomic<std::size_t> connections_{0};
  std::mutex mutex_; // Guards what follows.
  std::condition_variable changed_;
  std::vector<std::string> requests_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  bool is_ending_ = false;
  std::thread acceptor_;
};

} // namespace troupe::strangler
