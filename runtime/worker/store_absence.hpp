#pragma once

#include "runtime/worker/hand.hpp"
#include "runtime/worker/outbound_builder.hpp"

#include <functional>

namespace troupe {

/// What a runner does while the server of its database cannot be reached: it keeps everything,
/// looks for the server ten times a second, and answers calls whose time is up (with effect
/// `unknown` if they were in a turn whose commit nobody answered), and whoever asks how the group
/// is. Breakers hear nothing: it is no failure of the group.
///
/// Confined to the runner's thread; borrows everything.
class store_absence {
public:
  store_absence(group& of, work_queue& queue, hand& items, outbound_builder& out)
      : group_{of}, queue_{queue}, hand_{items}, out_{out} {}

  /// Takes all items into the hand and, if it is time, looks for the database.
  ///
  /// @param connect connects anew, and takes up what this process was at; throws database_error.
  /// @return whether it is back.
  bool is_over(const std::function<void()>& connect);

  /// Waits for the next look. @param answer_probe says how the group is.
  /// @return true if the runner has to come again at once.
  bool wait(const std::function<void()>& answer_probe);

private:
  group& group_;
  work_queue& queue_;
  hand& hand_;
  outbound_builder& out_;
  bool is_look_planned_ = false;
};

} // namespace troupe
