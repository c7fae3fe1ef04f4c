#pragma once

#include "runtime/gateway/token_bucket.hpp"
#include "runtime/http/responder.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/strangler/feature.hpp"
#include "runtime/wire/differences.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace troupe::strangler {

/// Compares answers of both sides on its own thread, so that no answer waits for it; counts the
/// differences, logs them and publishes them: ten in a row, and then one a second for each feature.
class comparison_desk {
public:
  /// Publishes a difference. Called on the desk's thread; may block.
  using announcer = std::function<outcome<void>(const wire::answers_differ&)>;

  /// The two answers to one request, from any threads. A pair that is incomplete when it ends is
  /// not compared.
  class pair {
  public:
    pair(comparison_desk& desk, feature& of, std::string request)
        : desk_{desk}, feature_{of}, request_{std::move(request)} {}

    ~pair();
    pair(const pair&) = delete;
    pair& operator=(const pair&) = delete;

    void set(side which, http::response answer);

  private:
    friend comparison_desk;

    comparison_desk& desk_;
    feature& feature_;
    const std::string request_;
    std::mutex mutex_; // Guards the answers.
    std::optional<http::response> legacy_;
    std::optional<http::response> modern_;
  };

  comparison_desk(std::string gateway, observe::event_log& log, announcer announce);
  /// Compares no more.
  ~comparison_desk();
  comparison_desk(const comparison_desk&) = delete;
  comparison_desk& operator=(const comparison_desk&) = delete;

private:
  struct task {
    feature* of;
    std::string request;
    http::response legacy;
    http::response modern;
  };

  void take(task one);
  void run();
  void compare(const task& one);

  const std::string gateway_;
  observe::event_log& log_;
  const announcer announce_;
  std::map<std::string, gateway::token_bucket> told_; // The thread's own.
  std::mutex mutex_;                                  // Guards what follows.
  std::condition_variable news_;
  std::deque<task> tasks_;
  bool is_stopping_ = false;
  std::thread thread_;
};

/// An exchange whose answer is one side of a pair and is not sent to the client.
class compared_exchange final : public http::exchange {
public:
  explicit compared_exchange(std::shared_ptr<comparison_desk::pair> of) : pair_{std::move(of)} {}

  bool respond(http::response answer) override;
  /// Streams are not compared.
  http::stream open_stream(http::response head, http::stream_listener listener) override;

private:
  std::shared_ptr<comparison_desk::pair> pair_;
};

} // namespace troupe::strangler
