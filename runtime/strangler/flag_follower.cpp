#include "runtime/strangler/flag_follower.hpp"

#include "runtime/quiet_thread.hpp"
#include "runtime/strangler/flag_file.hpp"
#include "runtime/strangler/share.hpp"

#include <utility>

namespace troupe::strangler {

namespace {

// How long the broker holds a question, and so the longest delay of a stop.
constexpr std::uint32_t patience_ms = 1'000;
constexpr milliseconds between_failures{100};

} // namespace

flag_follower::flag_follower(journal_question ask, std::string path, observe::event_log& log)
    : ask_{std::move(ask)}, path_{std::move(path)}, log_{log} {
  if (auto kept = kept_flags(path_); !kept) {
    log_.write("flags.unreadable", {{"why", kept.error().message}});
  } else if (*kept) {
    values_ = std::make_shared<const flag_values>(std::move(**kept));
  }
  thread_ = quiet_thread([this] { run(); });
}

flag_follower::~flag_follower() {
  {
    const std::lock_guard lock{mutex_};
    is_stopping_ = true;
  }
  stops_.notify_all();
  thread_.join();
}

std::shared_ptr<const flag_values> flag_follower::values() const {
  const std::lock_guard lock{mutex_};
  return values_;
}

bool flag_follower::is_stopping() const {
  const std::lock_guard lock{mutex_};
  return is_stopping_;
}

void flag_follower::run() {
  while (!is_stopping()) {
    if (!follow()) {
      std::unique_lock lock{mutex_};
      stops_.wait_for(lock, between_failures, [this] { return is_stopping_; });
    }
  }
}

/// Reads all flags and follows their changes until an error occurs.
/// @return false after an error.
bool flag_follower::follow() {
  auto state = read_flags(ask_);
  while (state && !is_stopping()) {
    heard(*state);
    state = read_on(ask_, std::move(*state), patience_ms);
    if (state && state->read_to == 0 && !state->newest) {
      return true; // Another journal, or an empty one: start from the beginning.
    }
  }
  if (!state && !is_stopping() && std::exchange(is_in_touch_, false)) {
    log_.write(
        "flags.out_of_touch",
        {{"why", state.error().message},
         {"what", values() ? "the last known values hold" : "no values are known yet"}});
  }
  return state.has_value();
}

void flag_follower::heard(const flag_state& state) {
  if (!std::exchange(is_in_touch_, true)) {
    log_.write("flags.in_touch");
  }
  const std::uint64_t position = state.newest ? state.newest->position : 0;
  const auto before = std::exchange(heard_position_, position);
  if (before == position) {
    return;
  }
  // Publish the values before writing the log: a log reader that blocks must not delay them.
  publish(state.values());
  if (before && state.newest) {
    const wire::flag_change& what = state.newest->what;
    log_.write(
        "flag.changed",
        {{"flag", what.flag},
         {"from", what.from ? share_text(*what.from) : "unset"},
         {"to", share_text(what.to)},
         {"who", what.who},
         {"why", what.why},
         {"position", std::to_string(position)}});
  } else {
    log_.write("flags.read", {{"position", std::to_string(position)}});
  }
}

void flag_follower::publish(const flag_values& values) {
  {
    auto made = std::make_shared<const flag_values>(values);
    const std::lock_guard lock{mutex_};
    values_ = std::move(made);
  }
  // The file is written afterwards: a full disk must not keep a change from taking effect.
  if (const auto kept = keep_flags(path_, values); !kept) {
    log_.write("flags.not_kept", {{"why", kept.error().message}});
  }
}

} // namespace troupe::strangler
