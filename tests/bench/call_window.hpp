#pragma once

#include "runtime/client/client.hpp"
#include "runtime/outcome.hpp"
#include "tests/bench/troupe_load.hpp"

#include <string>
#include <vector>

namespace troupe::bench {

/// Keeps a number of calls of one operation outstanding at a client: each answer makes room for the
/// next call. Borrows the client. One thread.
class call_window {
public:
  call_window(client::client& client, const target& whom, std::size_t size);

  /// Submits a call for every free place.
  outcome<void> fill();

  struct ended {
    instant sent;
    /// Null if the call was answered with `ok`.
    const error* why = nullptr;
  };

  /// Waits for the first answer, and takes all there are. When it came is `now()`.
  const std::vector<ended>& take(milliseconds patience);

  instant now() const { return now_; }

  std::size_t outstanding() const { return size_ - free_.size(); }

  std::uint64_t submitted() const { return submitted_; }

private:
  client::client& client_;
  const target& whom_;
  std::size_t size_;
  std::vector<std::string> bodies_;
  std::vector<std::string> keys_;
  instant now_;
  std::uint64_t submitted_ = 0;
  std::vector<std::size_t> free_;
  std::vector<instant> sent_at_;
  std::vector<client::call_request> calls_;
  std::vector<client::completion> completions_;
  std::vector<ended> ended_;
};

} // namespace troupe::bench
