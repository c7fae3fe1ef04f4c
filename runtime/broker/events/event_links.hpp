#pragma once

#include "runtime/broker/decided.hpp"
#include "runtime/clock.hpp"

#include <string>
#include <string_view>

namespace troupe::broker {

/// The part of the server that its event service uses.
class event_links {
public:
  event_links() = default;
  event_links(const event_links&) = delete;
  event_links& operator=(const event_links&) = delete;
  virtual ~event_links() = default;

  virtual void pass_answer(origin to, std::string_view header, std::string_view body) = 0;
  virtual void pass_refusal(origin to, const uuid& id, const error& why) = 0;
  virtual void pass_message(login_id to, std::string_view header, std::string_view body) = 0;
  virtual void report(log_event event, instant now) = 0;
  /// Whether the topology places a capability on the node of this login.
  virtual bool is_placed_at(login_id whom, std::string_view capability) const = 0;

  /// Answers a call.
  void reply(origin to, const uuid& id, std::string_view body);

private:
  std::string header_; // Reused.
};

} // namespace troupe::broker
