#include "actors/notifications/notifications.hpp"

#include "actors/notifications/letter_text.hpp"
#include "runtime/time_text.hpp"

namespace troupe::notifications {

namespace {

constexpr std::string_view read_mail =
    "SELECT state, recipient, message_id, attempts, reason FROM mails WHERE order_id = $1";

} // namespace

notifications_actor::notifications_actor(const context& context)
    : options_{context.config<notifications_options>()}, mailer_{make_mailer(
                                                             options_, context.folder)} {
  on("order.confirmed",
     [this](const orders::order_confirmed& event, turn& turn, const event_info& info) {
       handle(event, turn, info);
     });
  query("get", [](const get_mail& request, store::database& session) {
    return handle(request, session);
  });
  query("count", [](const count_mails& request, store::database& session) {
    return handle(request, session);
  });
  effect<confirmation_sent>(
      "send_confirmation",
      [this](const send_confirmation& wish, const effect_call& call) {
        return carry_out(wish, call);
      },
      [](const send_confirmation& wish, const outcome<confirmation_sent>& result, turn& turn) {
        return settle(wish, result, turn);
      });
}

void notifications_actor::handle(
    const orders::order_confirmed& event, turn& turn, const event_info& info) const {
  const auto address = address_of(event.customer, options_.domain);
  // One mail per order, even if the event is published again under another id.
  const auto added = turn.database().execute(
      "INSERT INTO mails (order_id, event_id, recipient, state, reason, asked_at) "
      "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (order_id) DO NOTHING",
      event.order_id,
      info.id,
      address.value_or(event.customer),
      address ? "asked" : "failed",
      address ? "" : "the customer's name makes no mail address",
      unix_millis(turn.now()));
  if (added == 0 || !address) {
    return;
  }
  turn.effect(
      "send_confirmation",
      send_confirmation{
          event.order_id,
          *address,
          event.currency,
          event.items,
          event.amount_cents,
          unix_millis(info.time)});
}

outcome<confirmation_sent>
notifications_actor::carry_out(const send_confirmation& wish, const effect_call& call) {
  const std::string message_id = message_id_of(call.key, options_.from);
  const auto done = mailer_->send(
      {call.key, options_.from, wish.recipient, letter_text(wish, options_.from, message_id)});
  return done.map([&](const delivery& said) {
    return confirmation_sent{said.taken, message_id, call.attempt, said.reason};
  });
}

mail notifications_actor::settle(
    const send_confirmation& wish, const outcome<confirmation_sent>& result, turn& turn) {
  mail now;
  now.order_id = wish.order_id;
  now.state = "failed";
  now.recipient = wish.recipient;
  if (result) {
    now.state = result->taken ? "sent" : "failed";
    now.message_id = result->message_id;
    now.attempts = result->attempts;
    now.reason = result->reason;
  } else {
    now.reason = result.error().message;
  }
  turn.database().execute(
      "UPDATE mails SET state = $2, message_id = $3, attempts = $4, reason = $5, ended_at = $6 "
      "WHERE order_id = $1 AND state = 'asked'",
      now.order_id,
      now.state,
      now.message_id,
      now.attempts,
      now.reason,
      unix_millis(turn.now()));
  return now;
}

outcome<mail> notifications_actor::handle(const get_mail& request, store::database& session) {
  outcome<mail> found = failure{
      rejected("unknown_mail", "No mail was asked for order " + to_string(request.order_id) + ".")};
  session.query(
      read_mail,
      [&](const store::row& row) {
        found = mail{
            request.order_id,
            std::string{row.text(0)},
            std::string{row.text(1)},
            std::string{row.text(2)},
            row.integer(3),
            std::string{row.text(4)}};
      },
      request.order_id);
  return found;
}

mail_count notifications_actor::handle(const count_mails&, store::database& session) {
  mail_count counted;
  session.query("SELECT state, COUNT(*) FROM mails GROUP BY state", [&](const store::row& row) {
    const std::string_view state = row.text(0);
    (state == "asked"  ? counted.asked
     : state == "sent" ? counted.sent
                       : counted.failed) = row.integer(1);
  });
  return counted;
}

} // namespace troupe::notifications
