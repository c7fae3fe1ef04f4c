#include "runtime/strangler/comparison_desk.hpp"

#include "runtime/quiet_thread.hpp"

#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace troupe::strangler {

namespace {

// Each holds two answers.
constexpr std::size_t tasks_max = 64;
constexpr gateway::rate told_rate{.requests = 1, .within = milliseconds{1'000}, .burst = 10};

/// A stream without a reader.
class closed_stream final : public http::stream_sink {
public:
  http::written write(std::string_view) override { return http::written::gone; }

  void finish(std::string_view) override {}
};

} // namespace

comparison_desk::pair::~pair() {
  feature_.end_comparison();
  if (legacy_ && modern_) {
    desk_.take({&feature_, request_, std::move(*legacy_), std::move(*modern_)});
  } else {
    ++feature_.counts().not_compared;
  }
}

void comparison_desk::pair::set(side which, http::response answer) {
  const std::lock_guard lock{mutex_};
  (which == side::legacy ? legacy_ : modern_) = std::move(answer);
}

comparison_desk::comparison_desk(std::string gateway, observe::event_log& log, announcer announce)
    : gateway_{std::move(gateway)}, log_{log}, announce_{std::move(announce)} {
  thread_ = quiet_thread([this] { run(); });
}

comparison_desk::~comparison_desk() {
  {
    const std::lock_guard lock{mutex_};
    is_stopping_ = true;
  }
  news_.notify_all();
  thread_.join();
}

void comparison_desk::take(task one) {
  {
    const std::lock_guard lock{mutex_};
    if (tasks_.size() >= tasks_max || is_stopping_) {
      ++one.of->counts().not_compared;
      return;
    }
    tasks_.push_back(std::move(one));
  }
  news_.notify_one();
}

void comparison_desk::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    news_.wait(lock, [this] { return is_stopping_ || !tasks_.empty(); });
    if (is_stopping_) {
      return;
    }
    const task one = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    compare(one);
    lock.lock();
  }
}

void comparison_desk::compare(const task& one) {
  const feature_options& options = one.of->options();
  const auto found = differences_of(one.legacy, one.modern, options.compare->rules);
  if (found.empty()) {
    ++one.of->counts().same;
    return;
  }
  ++one.of->counts().different;
  const auto wait = told_[options.name].take(told_rate, std::chrono::steady_clock::now());
  if (wait > instant::duration::zero()) {
    return; // The comparison is counted all the same.
  }
  wire::answers_differ said{
      .feature = options.name, .gateway = gateway_, .request = one.request, .differences = {}};
  std::string text;
  for (const difference& each : found) {
    said.differences.push_back({each.at, each.what});
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", each.at, each.what);
  }
  log_.write(
      "answers.differ",
      {{"feature", options.name}, {"request", one.request}, {"differences", std::move(text)}});
  if (const auto told = announce_(said); !told) {
    log_.write(
        "difference.not_published", {{"feature", options.name}, {"why", told.error().message}});
  }
}

bool compared_exchange::respond(http::response answer) {
  pair_->set(side::modern, std::move(answer));
  pair_.reset();
  return true;
}

http::stream compared_exchange::open_stream(http::response, http::stream_listener) {
  pair_.reset();
  return http::stream{std::make_shared<closed_stream>()};
}

} // namespace troupe::strangler
