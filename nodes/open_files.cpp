#include "nodes/open_files.hpp"

#include <algorithm>
#include <sys/resource.h>

namespace troupe {

namespace {

// The limit to ask for: more descriptors than any process serves. An unlimited value would tell
// nothing about the capacity.
constexpr rlim_t open_files_wanted = 1U << 20U;

} // namespace

std::uint64_t raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 0;
  }
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = std::max(before, std::min(limit.rlim_max, open_files_wanted));
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

} // namespace troupe
