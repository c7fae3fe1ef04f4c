#include "runtime/gateway/server/call_desk.hpp"

#include <algorithm>
#include <utility>

namespace troupe::gateway {

namespace {

// `close` ends the wait at once.
constexpr milliseconds answer_patience{60'000};

// Tokens of questions are odd.
std::uint64_t token_of(std::uint64_t number, bool is_question) {
  return 2 * number + (is_question ? 1 : 0);
}

bool is_question(std::uint64_t token) {
  return token % 2 != 0;
}

} // namespace

outcome<std::unique_ptr<call_desk>>
call_desk::open(const client::options& settings, poster to_loop) {
  auto calls = client::client::open(settings);
  if (!calls) {
    return failure{std::move(calls.error())};
  }
  return std::make_unique<call_desk>(std::move(*calls), std::move(to_loop));
}

call_desk::call_desk(std::unique_ptr<client::client> calls, poster to_loop)
    : client_{std::move(calls)}, to_loop_{std::move(to_loop)}, waiter_{
                                                                   [this] { wait_for_answers(); }} {
}

call_desk::~call_desk() {
  close(milliseconds{0});
}

void call_desk::close(milliseconds patience) {
  {
    std::unique_lock lock{mutex_};
    answered_.wait_for(lock, patience, [this] { return awaited_ == 0; });
  }
  is_closing_ = true;
  client_->close(milliseconds{0});
  if (waiter_.joinable()) {
    waiter_.join();
  }
}

outcome<uuid> call_desk::call(client::call_request request, listener ended) {
  {
    const std::lock_guard lock{mutex_};
    ++awaited_;
  }
  auto submitted = submit(request, token_of(++last_token_, false), std::move(ended));
  if (!submitted) {
    const std::lock_guard lock{mutex_};
    --awaited_;
  }
  return submitted;
}

outcome<uuid> call_desk::ask(client::call_request request, listener ended) {
  return submit(request, token_of(++last_token_, true), std::move(ended));
}

outcome<uuid> call_desk::submit(client::call_request request, std::uint64_t token, listener ended) {
  request.token = token;
  auto submitted = client_->submit(request);
  if (submitted) {
    // Its end is told on this thread, and so not before this is done.
    listeners_.emplace(request.token, std::move(ended));
  }
  return submitted;
}

void call_desk::wait_for_answers() {
  std::vector<client::completion> done;
  while (client_->completions(done, answer_patience) > 0 || !is_closing_) {
    if (done.empty()) {
      continue;
    }
    const auto calls = static_cast<std::size_t>(std::count_if(
        done.begin(), done.end(), [](const auto& each) { return !is_question(each.token); }));
    // A function that can be copied, of answers that cannot.
    const auto ended =
        std::make_shared<const std::vector<client::completion>>(std::exchange(done, {}));
    to_loop_([this, ended] {
      for (const client::completion& each : *ended) {
        if (auto told = listeners_.extract(each.token)) {
          told.mapped()(each);
        }
      }
    });
    const std::lock_guard lock{mutex_};
    awaited_ -= calls;
    answered_.notify_all();
  }
}

} // namespace troupe::gateway
