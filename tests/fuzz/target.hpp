#pragma once

#include <cstdlib>
#include <string_view>
#include <vector>

namespace troupe::fuzz {

/// A parser under test. Each `*_fuzz.cpp` defines one at namespace scope; a fuzzer has one of them,
/// the unit test all.
class target {
public:
  /// @param what gives the parser bytes from outside, and tries what is promised about it.
  target(std::string_view name, void (*what)(std::string_view bytes));
  target(const target&) = delete;
  target& operator=(const target&) = delete;
  ~target() = default;

  std::string_view name() const { return name_; }

  /// Aborts if a promise is broken.
  void run(std::string_view bytes) const;

  /// Those linked into this program.
  static std::vector<const target*>& all();

private:
  std::string_view name_;
  void (*what_)(std::string_view);
};

/// A promise that the input broke. abort() is what a fuzzer sees.
inline void expect(bool kept) {
  if (!kept) {
    std::abort();
  }
}

/// Whether a view points into the bytes that it was read from.
inline bool is_within(std::string_view part, std::string_view whole) {
  return part.empty()
         || (part.data() >= whole.data()
             && part.data() + part.size() <= whole.data() + whole.size());
}

} // namespace troupe::fuzz
