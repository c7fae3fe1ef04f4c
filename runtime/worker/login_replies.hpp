#pragma once

#include "runtime/transport/peer_loop.hpp"
#include "runtime/wire/batch.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace troupe {

/// Sends the frames of runners to the brokers, and keeps their replies from HELLO to WELCOME.
///
/// HELLO names the calls in hand, and the broker expects an answer to each: an answer given before
/// WELCOME is sent right after it. Replies without a login are dropped, as the next HELLO does not
/// name their calls: the broker asks again, and the inbox answers. Socket loop.
class login_replies {
public:
  explicit login_replies(transport::peer_loop& loop)
      : loop_{loop}, logins_(static_cast<std::size_t>(loop.links())) {}

  /// Sends a batch frame, or keeps the replies in it for WELCOME.
  void send(int link, std::string_view frame);

  /// HELLO is about to be sent: replies for earlier logins are dropped.
  void begin_login(int link) { logins_[static_cast<std::size_t>(link)] = {.is_open = true}; }

  /// The login was refused, or its link is lost.
  void end_login(int link) { logins_[static_cast<std::size_t>(link)] = {}; }

  /// WELCOME arrived: sends the kept replies.
  /// @return false if there were more than could be kept: log in again, with a HELLO that does not
  /// name the calls answered in the meantime.
  bool send_held(int link);

private:
  struct login {
    bool is_open = false;
    bool is_over_limit = false;
    std::size_t bytes = 0;
    std::vector<wire::batch_writer> batches{}; // Full ones, but for the last.
  };

  static void hold(login& at, std::string_view frame);

  transport::peer_loop& loop_;
  std::vector<login> logins_; // The logins, by link.
};

} // namespace troupe
