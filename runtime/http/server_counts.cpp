#include "runtime/http/server_counts.hpp"

#include <algorithm>

namespace troupe::http {

server_counts shared_counts::read() const {
  server_counts counts{
      .accepted = accepted.read(),
      .ended = ended.read(),
      .refused = refused.read(),
      .accepts_failed = accepts_failed.read(),
      .handshakes_failed = handshakes_failed.read(),
      .requests = requests.read(),
      .gate_refusals = gate_refusals.read(),
      .aborted = aborted.read(),
      .cut = cut.read(),
      .slow_readers = slow_readers.read()};
  std::transform(answers.begin(), answers.end(), counts.answers.begin(), [](const auto& each) {
    return each.read();
  });
  return counts;
}

} // namespace troupe::http
