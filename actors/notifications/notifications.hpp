#pragma once

#include "actors/notifications/effects.hpp"
#include "actors/notifications/mailer.hpp"
#include "actors/notifications/messages.hpp"
#include "runtime/actor/actor.hpp"

#include <memory>

namespace troupe::notifications {

/// Tells customers by mail what has become of their orders. It hears of them by `order.confirmed`.
///
/// An event's turn writes down that a mail is due and asks for the effect that sends it, so an
/// event counts as handled long before a slow mail server has answered.
class notifications_actor final : public actor {
public:
  explicit notifications_actor(const context& context);

private:
  void handle(const orders::order_confirmed& event, turn& turn, const event_info& info) const;
  static outcome<mail> handle(const get_mail& request, store::database& session);
  static mail_count handle(const count_mails& request, store::database& session);

  outcome<confirmation_sent> carry_out(const send_confirmation& wish, const effect_call& call);
  static mail
  settle(const send_confirmation& wish, const outcome<confirmation_sent>& result, turn& turn);

  notifications_options options_;
  std::unique_ptr<mailer> mailer_;
};

/// Adds what is wrong with the `config` of such a capability.
void check_config(const config_tree& tree, std::vector<fault>& faults);

} // namespace troupe::notifications
