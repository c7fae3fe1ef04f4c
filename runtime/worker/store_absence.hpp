#pragma once

#include "runtime/worker/hand.hpp"
#include "runtime/worker/outbound_builder.hpp"

#include <functional>

namespace troupe {

/// A runner's work while the server of its database cannot be reached: it keeps all items, tries
/// the server ten times a second, and answers calls whose time is up (with effect `unknown` if they
/// were in a turn whose commit got no answer) and health probes. Breakers are not told, as this is
/// no failure of the group.
///
/// Confined to the runner's thread; borrows everything.
class store_absence {
public:
  store_absence(group& of, work_queue& queue, hand& items, outbound_builder& out)
      : group_{of}, queue_{queue}, hand_{items}, out_{out} {}

  /// Takes all items into the hand and, if it is time, tries the database.
  ///
  /// @param connect reconnects, and resumes this process's work; throws database_error.
  /// @return whether it is back.
  bool is_over(const std::function<void()>& connect);

  /// Waits for the next attempt. @param answer_probe reports the state of the group.
  /// @return true if the runner must run again at once.
  bool wait(const std::function<void()>& answer_probe);

private:
  group& group_;
  work_queue& queue_;
  hand& hand_;
  outbound_builder& out_;
  bool is_look_planned_ = false;
};

} // namespace troupe
