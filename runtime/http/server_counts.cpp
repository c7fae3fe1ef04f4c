#include "runtime/http/server_counts.hpp"

#include <algorithm>

namespace troupe::http {

server_counts shared_counts::read() const {
  server_counts counts{
      .accepted = accepted.value(),
      .ended = ended.value(),
      .refused = refused.value(),
      .accepts_failed = accepts_failed.value(),
      .handshakes_failed = handshakes_failed.value(),
      .requests = requests.value(),
      .gate_refusals = gate_refusals.value(),
      .aborted = aborted.value(),
      .cut = cut.value(),
      .slow_readers = slow_readers.value(),
      .streams = streams.value(),
      .bytes_read = bytes_read.value(),
      .bytes_written = bytes_written.value()};
  std::ranges::transform(
      answers, counts.answers.begin(), [](const auto& each) { return each.value(); });
  return counts;
}

} // namespace troupe::http
