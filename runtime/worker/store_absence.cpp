#include "runtime/worker/store_absence.hpp"

#include "runtime/worker/runner_store.hpp"

#include <fmt/format.h>
#include <limits>
#include <utility>
#include <vector>

namespace troupe {

namespace {

constexpr milliseconds look_again_after{100};
constexpr auto all = std::numeric_limits<std::size_t>::max();

} // namespace

bool store_absence::is_over(const std::function<void()>& connect) {
  hand_.take_more(queue_);
  std::vector<item> kept;
  for (item& each : hand_.next(all)) {
    hand_.pass_one();
    if (each.what == item::kind::database_again) {
      is_look_planned_ = false;
    } else if (!is_of_house(each)) { // The next housekeeping comes by itself.
      kept.push_back(std::move(each));
    }
  }
  hand_.put_back(kept);
  if (is_look_planned_) {
    return false;
  }
  try {
    connect();
  } catch (const store::database_error& fault) {
    shut_if_damaged(group_, fault);
    group_.condition().store_failed(
        fmt::format("the database is away: {}", fault.what()), group_.parts().time.now());
    group_.condition().set_store_away(true);
    return false;
  }
  group_.condition().set_store_away(false);
  return true;
}

bool store_absence::wait(const std::function<void()>& answer_probe) {
  if (!group_.parts().inlet.reserve()) {
    return true; // Finished work must leave first.
  }
  const instant now = group_.parts().time.now();
  std::vector<item> kept;
  for (item& each : hand_.next(all)) {
    hand_.pass_one();
    if (is_call(each) && each.deadline <= now) {
      out_.reply_error(
          each,
          {.code = errc::deadline_exceeded,
           .message = "the time was up while the database was away"});
    } else if (each.what == item::kind::probe) {
      answer_probe();
    } else {
      kept.push_back(std::move(each));
    }
  }
  hand_.put_back(kept);
  if (!std::exchange(is_look_planned_, true)) {
    out_.queue_again(look_again_after, {.what = item::kind::database_again});
  }
  out_.send();
  return false;
}

} // namespace troupe
