#pragma once

#include "runtime/outcome.hpp"

#include <string>

namespace troupe {

/// Locks the folder against other commands that create keys, while it lives.
class folder_lock {
public:
  explicit folder_lock(const std::string& folder);
  ~folder_lock();

  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;

private:
  int folder_;
};

/// Makes root act as the owner of a folder, or of its parent if it does not exist: otherwise the
/// system's user could not read the files created, which would show only at the next start.
/// @errors `forbidden`: this process cannot act as that user; nothing has changed.
outcome<void> act_as_owner_of(const std::string& folder);

/// Creates the folder of keys, for its owner alone, if it is missing.
/// @errors `unavailable`: it could not be created.
outcome<void> make_key_folder(const std::string& folder);

} // namespace troupe
