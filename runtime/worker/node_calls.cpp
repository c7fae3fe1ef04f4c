#include "runtime/worker/node_calls.hpp"

#include "runtime/observe/told_spans.hpp"
#include "runtime/supervision/breaker.hpp"
#include "runtime/wire/departure.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/node_calls.hpp"
#include "runtime/worker/node_description.hpp"
#include "runtime/worker/person_orders.hpp"
#include "runtime/worker/worker_status.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

outcome<void> check(const wire::force_breaker& asked) {
  if (!supervision::mode_named(asked.mode)) {
    return failure{invalid(
        fmt::format("mode `{}`; it is `open`, `closed`, `disabled` or `auto`", asked.mode))};
  }
  if (asked.who.empty() || asked.who.size() > wire::who_bytes_max) {
    return failure{invalid(fmt::format(
        "`who` has {} bytes; say who wants it, in 1 to {}",
        asked.who.size(),
        wire::who_bytes_max))};
  }
  if (asked.why.empty() || asked.why.size() > wire::why_bytes_max) {
    return failure{invalid(fmt::format(
        "`why` has {} bytes; say why, in 1 to {}", asked.why.size(), wire::why_bytes_max))};
  }
  return {};
}

} // namespace

node_calls::node_calls(
    transport::peer_loop& loop,
    worker_parts& parts,
    worker_groups& groups,
    call_intake& calls,
    state_reports& reports,
    const saga_calls& sagas)
    : loop_{loop}, parts_{parts}, groups_{groups}, calls_{calls}, reports_{reports}, sagas_{sagas},
      name_{"troupe.node." + parts.node} {
}

void node_calls::take(
    int link, const wire::header_view& header, std::string_view body, instant now) {
  if (header.op == "status") {
    return answer(
        link, header.id, wire::encoded(worker_status(parts_, groups_, sagas_.size(), now)));
  }
  if (header.op == "breaker") {
    const auto found = wire::checked_decode<wire::get_breaker>(body).and_then(
        [this](const wire::get_breaker& asked) { return find_group(asked.capability); });
    return found ? answer(link, header.id, wire::encoded((*found)->breaker_report()))
                 : calls_.refuse(link, header.id, found.error());
  }
  if (header.op == "describe") {
    const auto said = wire::checked_decode<wire::describe_node>(body).and_then(
        [this](const wire::describe_node& asked) {
          return describe(
              asked, parts_.node, groups_, wire::carried_bytes_max(parts_.body_bytes_max));
        });
    return said ? answer(link, header.id, wire::encoded(*said))
                : calls_.refuse(link, header.id, said.error());
  }
  if (header.op == "spans") {
    const auto said = observe::told_spans(
        parts_.spans, parts_.node, body, wire::carried_bytes_max(parts_.body_bytes_max));
    return said ? answer(link, header.id, *said) : calls_.refuse(link, header.id, said.error());
  }
  if (header.op == "force_breaker") {
    return force_breaker(link, header, body, now);
  }
  if (is_person_order(header.op)) {
    return pass_on(link, header, body, now);
  }
  calls_.refuse(
      link,
      header.id,
      {.code = errc::unknown_operation,
       .message = fmt::format(
           "`{}` has no operation `{}`; it has `status`, `describe`, `spans`, `breaker`, "
           "`force_breaker`, `sagas`, `saga`, `resume_saga`, `order_saga`, `effects`, "
           "`settle_effects`, `timers` and `life`",
           name_,
           header.op)});
}

/// Passes an order on to the group's writer, which carries it out in a turn and answers it.
void node_calls::pass_on(
    int link, const wire::header_view& header, std::string_view body, instant now) {
  const auto found = capability_in(header.op, body).and_then([this](const std::string& name) {
    return find_group(name);
  });
  if (!found) {
    return calls_.refuse(link, header.id, found.error());
  }
  group& to = **found;
  if (to.condition().why_shut() != nullptr) {
    return calls_.refuse(link, header.id, to.shut_error());
  }
  if (!to.has_store()) {
    return calls_.refuse(
        link,
        header.id,
        rejected(
            "no_store", fmt::format("`{}` has no database, so nothing waits there", to.name())));
  }
  item& order = calls_.add(link, header, body, to, name_, now);
  order.what = item::kind::person_order;
  order.operation = person_order_named(header.op);
  order.own_body(std::string{body});
}

void node_calls::force_breaker(
    int link, const wire::header_view& header, std::string_view body, instant now) {
  auto asked = wire::checked_decode<wire::force_breaker>(body);
  const auto found = asked.and_then(check).and_then([&] { return find_group(asked->capability); });
  if (!found) {
    return calls_.refuse(link, header.id, found.error());
  }
  group& to = **found;
  if (to.condition().why_shut() != nullptr) {
    return calls_.refuse(link, header.id, to.shut_error());
  }
  asked->request = asked->request.value_or(header.id);
  if (!header.source.empty()) {
    asked->who += fmt::format(" ({})", header.source);
  }
  if (to.has_store()) {
    // The group's writer writes the order down, and answers it.
    item& order = calls_.add(link, header, body, to, name_, now);
    order.what = item::kind::breaker_order;
    order.operation = "force_breaker";
    order.own_body(wire::encoded(*asked));
    return;
  }
  const instant forced_at = parts_.time.now(); // `now` may be earlier than the breaker's last time.
  to.breaker().force_once(
      {asked->mode, asked->who, asked->why, *asked->request, parts_.time.wall()}, forced_at);
  // STATE goes out before the reply, so that the caller finds the new state at the broker.
  reports_.tell(to, forced_at);
  answer(link, header.id, wire::encoded(to.breaker_report()));
}

outcome<group*> node_calls::find_group(std::string_view capability) const {
  if (group* found = groups_.find(capability)) {
    return found;
  }
  return failure{not_run_here(parts_.node, capability, groups_)};
}

void node_calls::answer(int link, const uuid& id, std::string_view body) {
  if (auto fits = wire::check_departure(
          {.what = "the answer", .body_bytes = body.size()},
          wire::carried_bytes_max(parts_.body_bytes_max));
      !fits) {
    fits.error().code = errc::internal;
    return calls_.refuse(link, id, fits.error());
  }
  std::string header;
  wire::append_reply_header(header, id, wire::status::ok);
  loop_.append(link, header, body);
}

} // namespace troupe
