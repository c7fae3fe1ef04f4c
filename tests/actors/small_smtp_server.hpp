#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace troupe::shop::test {

/// A small mail server for tests, on a free port of loopback. One connection at a time.
class small_smtp_server {
public:
  /// The replies to RCPT and to the end of a mail, and whether it hangs up instead of the second.
  struct behaviour {
    std::string to_recipient = "250 fine";
    std::string to_mail = "250 taken";
    bool loses_answer = false;
  };

  explicit small_smtp_server(behaviour first);
  ~small_smtp_server();
  small_smtp_server(const small_smtp_server&) = delete;
  small_smtp_server& operator=(const small_smtp_server&) = delete;

  std::string url() const;
  void behave(behaviour from_now_on);
  /// The text between DATA and the dot of each mail that was read to the end.
  std::vector<std::string> mails() const;
  /// "MAIL FROM:<...>" and "RCPT TO:<...>" lines.
  std::vector<std::string> envelopes() const;

  int connections() const { return connections_; }

private:
  void serve();
  void talk(int to);
  behaviour now() const;

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::atomic<int> current_{-1};
  mutable std::mutex mutex_;
  behaviour behaviour_;
  std::vector<std::string> mails_;
  std::vector<std::string> envelopes_;
  std::thread thread_;
};

} // namespace troupe::shop::test
