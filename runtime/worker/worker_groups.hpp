#pragma once

#include "runtime/worker/group_runtime.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The groups of a worker as its socket loop sees them: found by name, and given the messages of a
/// frame once the whole frame has been read. Socket loop.
class worker_groups {
public:
  using list = std::vector<std::unique_ptr<group_runtime>>;

  /// @param all borrowed; neither grows nor shrinks while this lives.
  explicit worker_groups(const list& all);

  list::const_iterator begin() const { return all_.begin(); }

  list::const_iterator end() const { return all_.end(); }

  std::size_t size() const { return all_.size(); }

  /// The group of a capability; null if the worker does not run it.
  group* find(std::string_view capability) const;

  std::vector<std::string> names() const;

  /// The queues of `to`, to add something that the next `push_added` pushes.
  group_queues& adding_to(group& to);
  void push_added();

  /// Tells the writer of each group with an open store.
  void tell_writers(const item& what) const;

private:
  const list& all_;
  std::map<std::string, group*, std::less<>> by_name_;
  std::vector<group_queues*> added_to_;
};

} // namespace troupe
