#pragma once

#include <mutex>
#include <string>
#include <utility>

namespace troupe {

/// A trouble of a group, as text for people, while the group keeps working. Any thread.
class told_trouble {
public:
  /// @param what the text; empty: the trouble is over.
  /// @return whether there was none before.
  bool set(std::string what) {
    const std::lock_guard lock{mutex_};
    const bool is_first = what_.empty();
    what_ = std::move(what);
    return is_first;
  }

  std::string what() const {
    const std::lock_guard lock{mutex_};
    return what_;
  }

private:
  mutable std::mutex mutex_;
  std::string what_;
};

} // namespace troupe
