#include "runtime/supervision/supervisor.hpp"

#include "runtime/supervision/handover.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <limits>

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::supervision::group_event)

namespace troupe::supervision {

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

} // namespace

struct supervisor::shared {
  shared(const clock& clock, group_policy made, std::function<void(const group_action&)> act)
      : time{clock}, policy{std::move(made)}, carry_out{std::move(act)} {}

  void handle(const group_event& event) {
    const handling now{this};
    actions.clear();
    policy.handle(event, time.now(), actions);
    const auto due = policy.next_due();
    next_due = due ? due->time_since_epoch().count() : never;
    // Publish the state before carrying out the actions, so that a child that starts at once is not
    // shown in its previous state.
    show();
    for (const group_action& action : actions) {
      carry_out(action);
    }
  }

  void show() {
    std::vector<child_status> shown;
    for (const supervised_child& child : policy.children()) {
      shown.push_back(
          {child.name,
           std::string{name_of(child.state)},
           child.generation,
           {child.failures.begin(), child.failures.end()}});
    }
    const std::lock_guard lock{mutex};
    status.swap(shown);
  }

  const clock& time;
  group_policy policy;
  std::function<void(const group_action&)> carry_out;
  std::vector<group_action> actions;
  std::atomic<std::int64_t> next_due{never};
  mutable std::mutex mutex;
  std::vector<child_status> status;
  caf::actor actor;
};

supervisor::supervisor(
    caf::actor_system& system,
    const clock& time,
    group_policy policy,
    std::function<void(const group_action&)> carry_out)
    : shared_{std::make_shared<shared>(time, std::move(policy), std::move(carry_out))} {
  // The actor must not keep itself alive, so it holds the state weakly; its owner holds both.
  std::weak_ptr<shared> state = shared_;
  // Passed as an argument: with none, CAF 0.17 dereferences a null pointer to an empty tuple.
  const auto body = [](caf::event_based_actor* self,
                       const std::weak_ptr<shared>& of) -> caf::behavior {
    self->set_default_handler(caf::drop); // CAF's own handler prints whole messages to stdout.
    return {[of](const group_event& event) {
      if (const auto held = of.lock()) {
        held->handle(event);
      }
    }};
  };
  shared_->actor = system.spawn(body, state);
}

supervisor::~supervisor() {
  end();
  caf::scoped_actor self{shared_->actor.home_system()};
  self->wait_for(shared_->actor);
  take_over(shared_.get());
}

void supervisor::tell(group_event event) {
  auto message = caf::make_message(std::move(event));
  hand_over(shared_.get());
  caf::anon_send(shared_->actor, std::move(message));
}

void supervisor::tick(instant now) {
  const std::int64_t due = shared_->next_due.load(std::memory_order_relaxed);
  if (due != never && due <= now.time_since_epoch().count()) {
    // The policy's answer sets the time again: one tick per due time.
    shared_->next_due = never;
    tell(time_passed{});
  }
}

std::vector<child_status> supervisor::children() const {
  const std::lock_guard lock{shared_->mutex};
  return shared_->status;
}

void supervisor::end() {
  caf::anon_send_exit(shared_->actor, caf::exit_reason::user_shutdown);
}

} // namespace troupe::supervision
