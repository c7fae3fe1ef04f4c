#include "runtime/client/client.hpp"

#include "runtime/client/client_loop.hpp"
#include "runtime/client/completion_queue.hpp"
#include "runtime/client/submission_queue.hpp"
#include "runtime/quiet_thread.hpp"
#include "runtime/transport/context.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace troupe::client {

namespace {

// The longest `patience`: more than any call's deadline (49 days), but without overflow when added
// to `now`.
constexpr std::chrono::hours patience_max{24 * 50};

} // namespace

// Members are destroyed in reverse order: the thread ends first, the context last.
struct client::state {
  explicit state(const options& settings)
      : submissions{settings},
        completions{settings.news}, loop{settings, zmq, time, submissions, completions} {}

  system_clock time;
  transport::context zmq;
  submission_queue submissions;
  completion_queue completions;
  client_loop loop;
  std::mutex closing;
  std::thread thread;
  /// A forked child has the object but not the thread.
  const pid_t process = ::getpid();
};

client::client(std::unique_ptr<state> made) : state_{std::move(made)} {
}

outcome<std::unique_ptr<client>> client::open(const options& settings) {
  if (settings.brokers.empty()) {
    return failure{invalid("a client needs the endpoint of at least one broker")};
  }
  auto made = std::make_unique<state>(settings);
  state* const running = made.get();
  made->thread = quiet_thread([running] { running->loop.run(); });
  return std::unique_ptr<client>{new client{std::move(made)}};
}

client::~client() {
  if (is_inherited()) {
    (void)state_.release(); // Thread and sockets belong to the parent, and end with this process.
    return;
  }
  close(milliseconds{0});
}

bool client::is_inherited() const {
  return state_->process != ::getpid();
}

void client::close(milliseconds patience) {
  if (is_inherited()) {
    return;
  }
  const std::lock_guard lock{state_->closing};
  if (state_->thread.joinable()) {
    state_->submissions.close();
    state_->loop.close(
        state_->time.now() + std::clamp<milliseconds>(patience, milliseconds{0}, patience_max));
    state_->thread.join();
  }
}

outcome<uuid> client::submit(const call_request& call) {
  error why;
  uuid id;
  if (!state_->submissions.submit_one(call, flag_queue, id, why)) {
    return failure{std::move(why)};
  }
  return id;
}

outcome<uuid> client::add(const call_request& call) {
  error why;
  uuid id;
  if (!state_->submissions.add_one(call, flag_queue, id, why)) {
    return failure{std::move(why)};
  }
  return id;
}

void client::flush() {
  state_->submissions.flush();
}

std::size_t
client::submit(std::span<const call_request> calls, std::vector<uuid>* ids, error* why) {
  error refusal;
  return state_->submissions.submit(calls, ids, why != nullptr ? *why : refusal);
}

std::size_t client::completions(std::vector<completion>& into, milliseconds patience) {
  const std::size_t count =
      state_->completions.take(into, std::min<milliseconds>(patience, patience_max));
  state_->submissions.ended(count);
  return count;
}

outcome<std::string> client::call(const call_request& call) {
  if (is_inherited()) {
    return failure{
        {.code = errc::unavailable,
         .message = "the client was opened before this process was forked; open one in it"}};
  }
  waiting_thread waiting;
  call_request with_waiter = call;
  with_waiter.token = reinterpret_cast<std::uintptr_t>(&waiting);
  error why;
  uuid id;
  if (!state_->submissions.submit_one(with_waiter, flag_waiter, id, why)) {
    return failure{std::move(why)};
  }
  return state_->completions.wait(waiting).map(
      [](const reply_body& reply) { return std::string{reply.bytes}; });
}

std::vector<bool> client::links() const {
  return state_->loop.links().up();
}

std::string client::last_trouble() const {
  return state_->loop.links().last_trouble().text;
}

} // namespace troupe::client
