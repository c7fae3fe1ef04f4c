#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// An open file of the operating system, closed at the end. What fails says why in `errno`.
class descriptor {
public:
  /// @param number from open() or its like; negative if that failed.
  explicit descriptor(int number) : number_{number} {}

  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  ~descriptor();

  bool is_open() const { return number_ >= 0; }

  int number() const { return number_; }

  /// Writes all bytes, however often it is interrupted.
  bool write_all(std::string_view bytes) const;

  /// Makes durable what was written.
  bool sync() const;

private:
  int number_;
};

/// Makes durable which names a folder has: syncing its files does not.
/// @param folder empty: the current folder.
bool sync_folder(const std::string& folder);

} // namespace troupe
