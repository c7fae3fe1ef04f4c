#include "runtime/strangler/legacy_client.hpp"

#include "runtime/clock.hpp"
#include "runtime/http/admission.hpp"
#include "runtime/quiet_thread.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/shares.hpp"
#include "runtime/strangler/client_turns.hpp"
#include "runtime/strangler/legacy_transfer.hpp"

#include <algorithm>
#include <curl/curl.h>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

namespace troupe::strangler {

namespace {

constexpr auto longest_wait = std::chrono::seconds{10};
// Pause between requests to a system whose name could not be looked up: each attempt leaves a
// thread behind until the resolver gives up.
constexpr auto name_retry = std::chrono::seconds{1};

} // namespace

/// The thread that runs libcurl, with its queue.
class legacy_client::loop {
public:
  loop(std::vector<legacy_system> systems, observe::event_log& log)
      : systems_{std::move(systems)}, log_{log}, multi_{curl_multi_init()} {
    for (const legacy_system& each : systems_) {
      lines_.push_back(
          {.open = shares{std::size_t{each.how.connections} + each.how.waiting}, .waiting = {}});
    }
  }

  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  ~loop() {
    if (thread_.joinable()) {
      {
        const std::lock_guard lock{mutex_};
        is_stopping_ = true;
      }
      curl_multi_wakeup(multi_);
      thread_.join();
    }
    curl_multi_cleanup(multi_);
  }

  bool start() {
    if (multi_ == nullptr) {
      return false;
    }
    std::uint64_t connections = 0;
    for (const legacy_system& each : systems_) {
      connections += each.how.connections;
    }
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(connections));
    thread_ = quiet_thread([this] { run(); });
    return true;
  }

  void ask(std::size_t system, const http::request& what, std::string_view client, receiver to) {
    const legacy_system& whom = systems_[system];
    auto made = std::make_unique<legacy_transfer>(
        whom, what, client, monotonic_now() + whom.how.deadline, log_, std::move(to));
    const std::uint64_t who = number_of_(http::counted_as(std::string{client}));
    std::unique_lock lock{mutex_};
    line& at = lines_[system];
    if (!at.open.admits(who, 1) || is_stopping_) {
      const bool has_too_many = at.open.of(who) > 0;
      lock.unlock();
      return made->refuse(
          503,
          "legacy_overloaded",
          has_too_many ? "your address has too many requests at the legacy system"
                       : "too many requests wait for the legacy system");
    }
    at.open.add(who, 1);
    const instant until = made->until();
    at.waiting.push(who, until, std::move(made));
    lock.unlock();
    curl_multi_wakeup(multi_);
  }

private:
  /// The requests for one system.
  struct line {
    /// Waiting and running requests, by client.
    shares open;
    client_turns<std::unique_ptr<legacy_transfer>> waiting;
    /// Running requests. Used by the thread only, like the members below.
    std::uint32_t sent = 0;
    /// The last request ran out of time during its name lookup.
    bool is_nameless = false;
    /// When the last request was sent.
    instant sent_at{};
  };

  /// The earliest time for the next request; nothing while running requests prevent it.
  std::optional<instant> next_send(std::size_t system) const {
    const line& at = lines_[system];
    if (at.is_nameless) {
      return at.sent_at + name_retry;
    }
    return at.sent < systems_[system].how.connections ? std::optional{instant{}} : std::nullopt;
  }

  struct sent_transfer {
    std::unique_ptr<legacy_transfer> what;
    std::size_t system;
    std::uint64_t client;
  };

  static instant monotonic_now() { return std::chrono::steady_clock::now(); }

  void run() {
    while (begin_waiting()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      end_done();
      if (!may_begin()) {
        curl_multi_poll(multi_, nullptr, 0, static_cast<int>(time_to_wait().count()), nullptr);
      }
    }
    end_all();
  }

  /// Sends waiting requests that may start, and ends those that have waited too long.
  /// @return false to stop.
  bool begin_waiting() {
    const instant now = monotonic_now();

    struct late_transfer {
      std::unique_ptr<legacy_transfer> what;
      bool is_nameless;
    };

    std::vector<late_transfer> late;
    std::vector<sent_transfer> ready;
    {
      const std::lock_guard lock{mutex_};
      if (is_stopping_) {
        return false;
      }
      for (std::size_t i = 0; i < lines_.size(); ++i) {
        line& at = lines_[i];
        while (auto next = at.waiting.take_late(now)) {
          at.open.remove(next->client, 1);
          late.push_back({std::move(next->what), at.is_nameless});
        }
        while (!at.waiting.empty() && may_send(i, now)) {
          auto next = at.waiting.take();
          ++at.sent;
          at.sent_at = now;
          ready.push_back({std::move(next.what), i, next.client});
        }
      }
    }
    for (const late_transfer& each : late) {
      each.what->refuse(
          504,
          "legacy_timeout",
          each.is_nameless ? "the name of the legacy system is not told: its server of names does "
                             "not answer in time"
                           : "no connection to the legacy system was free in time");
    }
    for (sent_transfer& each : ready) {
      each.what->prepare(now);
      CURL* const handle = each.what->handle();
      curl_multi_add_handle(multi_, handle);
      sent_.emplace(handle, std::move(each));
    }
    return true;
  }

  void end_done() {
    int left = 0;
    while (const CURLMsg* said = curl_multi_info_read(multi_, &left)) {
      if (said->msg != CURLMSG_DONE) {
        continue;
      }
      const auto found = sent_.find(said->easy_handle);
      const CURLcode code = said->data.result; // Read now, since removing the handle frees it.
      const sent_transfer done = std::move(found->second);
      sent_.erase(found);
      curl_multi_remove_handle(multi_, done.what->handle());
      {
        const std::lock_guard lock{mutex_};
        line& at = lines_[done.system];
        at.open.remove(done.client, 1);
        --at.sent;
        at.is_nameless = done.what->was_looked_up_in_vain(code);
      }
      done.what->end(code);
    }
  }

  bool may_send(std::size_t system, instant now) const {
    const auto next = next_send(system);
    return next && *next <= now;
  }

  /// Whether a waiting request may start now.
  bool may_begin() {
    const instant now = monotonic_now();
    const std::lock_guard lock{mutex_};
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (!lines_[i].waiting.empty() && may_send(i, now)) {
        return true;
      }
    }
    return false;
  }

  milliseconds time_to_wait() {
    const std::lock_guard lock{mutex_};
    const instant now = monotonic_now();
    instant::duration wait = longest_wait;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (const line& at = lines_[i]; !at.waiting.empty()) {
        const instant wanted = at.waiting.first_until();
        wait = std::min(wait, std::min(wanted, next_send(i).value_or(wanted)) - now);
      }
    }
    return std::max(std::chrono::ceil<milliseconds>(wait), milliseconds{0});
  }

  void end_all() {
    constexpr std::string_view why = "the gateway is stopping";
    for (auto& [handle, each] : sent_) {
      curl_multi_remove_handle(multi_, handle);
      each.what->refuse(503, "stopping", std::string{why});
    }
    sent_.clear();
    for (line& at : lines_) {
      while (!at.waiting.empty()) {
        at.waiting.take().what->refuse(503, "stopping", std::string{why});
      }
    }
  }

  const std::vector<legacy_system> systems_;
  observe::event_log& log_;
  const secret_hash number_of_{};
  std::mutex mutex_; // Guards `lines_` and `is_stopping_`.
  std::vector<line> lines_;
  bool is_stopping_ = false;
  CURLM* multi_;
  std::unordered_map<CURL*, sent_transfer> sent_; // Used by the thread only.
  std::thread thread_;
};

legacy_client::legacy_client(std::unique_ptr<loop> made) : loop_{std::move(made)} {
}

legacy_client::~legacy_client() = default;

outcome<std::unique_ptr<legacy_client>>
legacy_client::start(std::vector<legacy_system> systems, observe::event_log& log) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  auto made = std::make_unique<loop>(std::move(systems), log);
  if (ready != CURLE_OK || !made->start()) {
    return failure{error{.code = errc::internal, .message = "libcurl cannot be initialized"}};
  }
  return std::unique_ptr<legacy_client>{new legacy_client{std::move(made)}};
}

void legacy_client::ask(
    std::size_t system, const http::request& what, std::string_view client, receiver to) {
  loop_->ask(system, what, client, std::move(to));
}

} // namespace troupe::strangler
