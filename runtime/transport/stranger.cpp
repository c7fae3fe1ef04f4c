#include "runtime/transport/stranger.hpp"

#include "runtime/transport/dealer.hpp"
#include "runtime/wire/limits.hpp"

#include <chrono>
#include <fmt/format.h>
#include <poll.h>
#include <vector>

namespace troupe::transport {

namespace {

constexpr milliseconds stranger_patience{5'000};
constexpr milliseconds look_again{10};

} // namespace

outcome<bool>
let_in_as_stranger(context& zmq, const std::string& endpoint, const curve_public_key& key) {
  const curve_link_keys keys{make_curve_pair(), key};
  dealer stranger{zmq, {}, wire::frame_bytes_max(0), &keys};
  std::string why = stranger.connect(endpoint);
  const auto until = std::chrono::steady_clock::now() + stranger_patience;
  while (why.empty() && std::chrono::steady_clock::now() < until) {
    for (auto news = stranger.next_news(); news != monitor::event::none;
         news = stranger.next_news()) {
      if (news == monitor::event::connected) {
        return true;
      }
      if (news == monitor::event::key_refused) {
        return false;
      }
    }
    std::vector<pollfd> watched;
    stranger.watch(watched);
    (void)::poll(watched.data(), watched.size(), static_cast<int>(look_again.count()));
    stranger.note(watched.data());
  }
  return failure{internal_error(fmt::format(
      "a stranger's key was tried at {}, and neither refused nor let in: {}; nothing is served",
      endpoint,
      why.empty() ? "no answer" : why))};
}

} // namespace troupe::transport
