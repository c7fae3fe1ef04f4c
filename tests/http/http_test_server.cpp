// A server for tests with real sockets: says on stdout where it listens, and does what it is told
// on stdin, a word a line: `reload`, `drain MILLISECONDS`, `counts`. Ends with stdin.

#include "runtime/http/server.hpp"

#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace troupe;
using namespace std::chrono_literals;

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

/// Answers that tests ask for, given from threads of their own.
class late_answers {
public:
  ~late_answers() {
    {
      const std::lock_guard lock{mutex_};
      is_released_ = true;
    }
    released_.notify_all();
    for (std::thread& each : threads_) {
      each.join();
    }
  }

  template <class Task>
  void run(Task task) {
    threads_.emplace_back(std::move(task));
  }

  /// Waits until `release`.
  void wait() {
    std::unique_lock lock{mutex_};
    released_.wait(lock, [this] { return is_released_; });
  }

  void release() {
    const std::lock_guard lock{mutex_};
    is_released_ = true;
    released_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable released_;
  bool is_released_ = false;
  std::vector<std::thread> threads_;
};

/// What the request was, a line each.
std::string told(const http::request& asked) {
  std::string text = fmt::format("{} {}\n", name_of(asked.method), asked.target.raw);
  for (const std::string& segment : asked.target.path) {
    text += fmt::format("segment {}\n", segment);
  }
  for (const auto& [name, value] : asked.target.query) {
    text += fmt::format("parameter {}={}\n", name, value);
  }
  for (const auto& [name, value] : asked.fields) {
    text += fmt::format("field {}: {}\n", name, value);
  }
  text += fmt::format("peer {} {}\n", asked.peer.host, asked.peer.uses_tls ? "tls" : "plain");
  return text + fmt::format("body {} {}\n", asked.body.size(), asked.body.substr(0, 100));
}

/// Sends `parts` parts, and the next when there is room again; `impatient` does not wait.
class part_sender : public std::enable_shared_from_this<part_sender> {
public:
  part_sender(std::uint64_t parts, std::uint64_t part_bytes, bool is_impatient)
      : left_{parts}, part_(part_bytes, 'x'), is_impatient_{is_impatient} {}

  void begin(const http::responder& answers) {
    const auto self = shared_from_this();
    out_ = answers.open_stream(
        {200, {{"Content-Type", "text/event-stream"}}, ""},
        {[] { say("stream gone"); }, [self] { self->send(); }});
    send();
  }

private:
  void send() {
    for (; left_ > 0; --left_) {
      const http::written how = out_->write(part_);
      if (how == http::written::full && !is_impatient_) {
        return;
      }
      if (how != http::written::queued) {
        say(how == http::written::full ? "stream full" : "stream refused");
        out_->finish("LAST");
        return;
      }
    }
    out_->finish("END");
  }

  std::uint64_t left_;
  const std::string part_;
  const bool is_impatient_;
  std::optional<http::stream> out_;
};

void handle(late_answers& late, const http::request& asked, const http::responder& answers) {
  const std::string what = asked.target.path.empty() ? "" : asked.target.path.front();
  if (what == "late") { // Answered from another thread, once released.
    late.run([&late, answers] {
      late.wait();
      say(answers.respond(http::with_body(200, "text/plain", "late\n")) ? "answered" : "too late");
    });
  } else if (what == "release") {
    late.release();
    answers.respond(http::response{204});
  } else if (what == "lost") { // Answered by nobody.
  } else if (what == "throw") {
    throw std::runtime_error{"thrown by the handler"};
  } else if (what == "bad-field") {
    answers.respond(http::response{200, {{"X-Text", "a\r\nSet-Cookie: b"}}, ""});
  } else if (what == "bytes") {
    const std::string body(number(asked.parameter("n").value_or("0")), 'x');
    answers.respond(http::with_body(200, "application/octet-stream", body));
  } else if (what == "stream") {
    std::make_shared<part_sender>(
        number(asked.parameter("parts").value_or("3")),
        number(asked.parameter("bytes").value_or("5")),
        asked.parameter("impatient").has_value())
        ->begin(answers);
  } else if (what == "open-stream") { // Open until the server ends.
    auto out = answers.open_stream({200, {}, ""}, {[] { say("stream gone"); }});
    out.write("first\n");
    late.run([&late, out] { late.wait(); });
  } else {
    answers.respond(http::with_body(200, "text/plain", told(asked)));
  }
}

http::server_options options_from(int count, char** words) {
  http::server_options options{.address = "127.0.0.1:0"};
  std::string certificate;
  for (int i = 1; i < count; ++i) {
    const std::string_view word{words[i]};
    const std::string_view name = word.substr(0, word.find('='));
    const std::string_view text = word.substr(std::min(name.size() + 1, word.size()));
    const milliseconds time{number(text)};
    if (name == "address") {
      options.address = text;
    } else if (name == "host") {
      options.hosts.emplace_back(text);
    } else if (name == "certificate") {
      certificate = text;
    } else if (name == "key") {
      options.tls = {certificate, std::string{text}};
    } else if (name == "head") {
      options.request.head = time;
    } else if (name == "body") {
      options.request.body = time;
    } else if (name == "handler") {
      options.request.handler = time;
    } else if (name == "write") {
      options.request.write = time;
    } else if (name == "idle") {
      options.request.idle = time;
    } else if (name == "all") {
      options.connections.all = number(text);
    } else if (name == "per_address") {
      options.connections.per_address = number(text);
    } else if (name == "bodies") {
      options.connections.bodies_bytes_max = number(text);
    } else if (name == "files_reserved") {
      options.connections.files_reserved = number(text);
    } else {
      say(fmt::format("unknown option {}", word));
      std::exit(2);
    }
  }
  return options;
}

/// Says what came of an order.
void reply(const std::string& what) {
  say("= " + what);
}

void obey(http::server& server, std::string_view line) {
  const std::string_view order = line.substr(0, line.find(' '));
  if (order == "reload") {
    const auto done = server.reload_certificates();
    reply(done ? "reloaded" : "not reloaded: " + done.error().message);
  } else if (order == "drain") {
    const milliseconds within{number(line.substr(order.size() + 1))};
    reply(server.drain(within) ? "drained" : "cut");
  } else if (order == "counts") {
    const http::server_counts counts = server.counts();
    reply(fmt::format(
        "open={} accepted={} refused={} handshakes_failed={} requests={} gate_refusals={} "
        "aborted={} "
        "cut={} slow_readers={}",
        counts.open(),
        counts.accepted,
        counts.refused,
        counts.handshakes_failed,
        counts.requests,
        counts.gate_refusals,
        counts.aborted,
        counts.cut,
        counts.slow_readers));
  }
}

} // namespace

int main(int count, char** words) {
  late_answers late;
  auto started = http::server::start(
      options_from(count, words),
      [&late](const http::request& asked, const http::responder& answers) {
        handle(late, asked, answers);
      });
  if (!started) {
    say("not started: " + started.error().message);
    return 1;
  }
  say((*started)->address());
  for (std::string line; std::getline(std::cin, line);) {
    obey(**started, line);
  }
  late.release();
  return 0;
}
