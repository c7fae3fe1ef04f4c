#include "tests/actors/small_smtp_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <optional>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::shop::test {

namespace {

/// Reads the lines of a connection; nothing at its end.
class line_reader {
public:
  explicit line_reader(int from) : from_{from} {}

  std::optional<std::string> next() {
    for (;;) {
      const std::size_t end = buffer_.find("\r\n");
      if (end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 2);
        return line;
      }
      char bytes[4096];
      const auto got = ::recv(from_, bytes, sizeof bytes, 0);
      if (got <= 0) {
        return std::nullopt;
      }
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
  }

private:
  int from_;
  std::string buffer_;
};

void say(int to, const std::string& line) {
  const std::string bytes = line + "\r\n";
  (void)::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

} // namespace

small_smtp_server::small_smtp_server(behaviour first) : behaviour_{std::move(first)} {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::bind(listener_, generic, size) != 0 || ::listen(listener_, 8) != 0
      || ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error{"no port for a mail server"};
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { serve(); }};
}

small_smtp_server::~small_smtp_server() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  {
    const std::lock_guard lock{mutex_};
    if (current_ >= 0) {
      ::shutdown(current_, SHUT_RDWR);
    }
  }
  thread_.join();
  ::close(listener_);
}

std::string small_smtp_server::url() const {
  return "smtp://127.0.0.1:" + std::to_string(port_);
}

void small_smtp_server::behave(behaviour from_now_on) {
  const std::lock_guard lock{mutex_};
  behaviour_ = std::move(from_now_on);
}

small_smtp_server::behaviour small_smtp_server::now() const {
  const std::lock_guard lock{mutex_};
  return behaviour_;
}

std::vector<std::string> small_smtp_server::mails() const {
  const std::lock_guard lock{mutex_};
  return mails_;
}

std::vector<std::string> small_smtp_server::envelopes() const {
  const std::lock_guard lock{mutex_};
  return envelopes_;
}

void small_smtp_server::serve() {
  while (!stopping_) {
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) {
      return;
    }
    ++connections_;
    {
      const std::lock_guard lock{mutex_};
      current_ = connection;
    }
    if (!stopping_) {
      talk(connection);
    }
    {
      const std::lock_guard lock{mutex_};
      current_ = -1;
    }
    ::close(connection);
  }
}

void small_smtp_server::talk(int to) {
  line_reader lines{to};
  say(to, "220 small");
  while (const auto line = lines.next()) {
    if (line->starts_with("EHLO")) {
      say(to, "250-small\r\n250 8BITMIME");
    } else if (line->starts_with("MAIL") || line->starts_with("RCPT")) {
      const std::lock_guard lock{mutex_};
      envelopes_.push_back(*line);
      say(to, line->starts_with("MAIL") ? "250 fine" : behaviour_.to_recipient);
    } else if (*line == "DATA") {
      say(to, "354 go on");
      std::string mail;
      for (auto next = lines.next(); next && *next != "."; next = lines.next()) {
        mail += (next->starts_with("..") ? next->substr(1) : *next) + "\r\n";
      }
      const behaviour as = now();
      {
        const std::lock_guard lock{mutex_};
        mails_.push_back(std::move(mail));
      }
      if (as.loses_answer) {
        return;
      }
      say(to, as.to_mail);
    } else if (*line == "QUIT") {
      say(to, "221 bye");
      return;
    } else {
      say(to, "250 fine");
    }
  }
}

} // namespace troupe::shop::test
