#pragma once

#include "runtime/outcome.hpp"
#include "runtime/wire/batch.hpp"
#include "runtime/wire/envelope.hpp"

#include <zmq.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace troupe::test {

/// A ROUTER that plays a broker: it takes logins and answers calls as it is told.
class fake_broker {
public:
  /// Called on the broker's thread; nothing means no answer.
  using answerer = std::function<std::optional<outcome<std::string>>(
      const wire::header_view&, std::string_view)>;

  explicit fake_broker(answerer answer, bool keeps_journal = false);

  ~fake_broker() { stop(); }

  fake_broker(const fake_broker&) = delete;
  fake_broker& operator=(const fake_broker&) = delete;

  /// The same one every time it is started.
  const std::string& endpoint() const { return endpoint_; }

  void start();
  /// As if killed: what it held is gone.
  void stop();

  /// Reads and says nothing, while its connections stand.
  void mute(bool is_mute) { is_mute_ = is_mute; }

  /// Says at logins that bodies of so many bytes are the largest that it takes.
  void take_at_most(std::uint64_t body_bytes) { body_bytes_max_ = body_bytes; }

  /// Refuses the next logins.
  void refuse_logins(int count) { to_refuse_ = count; }

  /// Forgets who is logged in: what they send is answered with one plain `unauthenticated`.
  void forget() { to_forget_ = true; }

  /// Waits until so many have come since the beginning; false if they do not.
  bool wait_for_calls(std::size_t count);
  bool wait_for_logins(std::size_t count);
  bool wait_for_refusals(std::size_t count);
  bool wait_for_byes(std::size_t count);

  std::vector<uuid> calls() const;
  std::vector<std::uint32_t> ttls() const;

private:
  struct session {
    bool is_known = false;
    wire::batch_writer out;
  };

  void run();
  void receive(zmq::socket_t& socket);
  void login(zmq::socket_t& socket, const std::string& from, std::string_view body);
  void take(zmq::socket_t& socket, const std::string& from, const wire::envelope_view& envelope);
  void ping_all();
  void flush(zmq::socket_t& socket);
  bool wait(const std::size_t& figure, std::size_t count);

  answerer answer_;
  bool keeps_journal_;
  std::string endpoint_ = "tcp://127.0.0.1:*";
  zmq::context_t context_{1};
  std::optional<zmq::socket_t> socket_;
  std::map<std::string, session> peers_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<std::uint64_t> body_bytes_max_{1'000'000};
  std::atomic<bool> is_mute_{false};
  std::atomic<bool> to_forget_{false};
  std::atomic<int> to_refuse_{0};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uuid> calls_;
  std::vector<std::uint32_t> ttls_;
  std::size_t call_count_ = 0;
  std::size_t logins_ = 0;
  std::size_t refusals_ = 0;
  std::size_t byes_ = 0;
  std::thread thread_;
};

} // namespace troupe::test
