#pragma once

#include "actors/notifications/effects.hpp"
#include "actors/notifications/mailer.hpp"
#include "actors/notifications/messages.hpp"
#include "runtime/actor/actor.hpp"

#include <memory>

namespace troupe::notifications {

/// Mails order confirmations to customers, for each event `order.confirmed`.
///
/// The turn of an event records that a mail is due and asks for the effect that sends it, so that
/// a slow mail server delays no event.
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

} // namespace troupe::notifications
