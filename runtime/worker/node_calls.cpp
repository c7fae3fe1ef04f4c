#include "runtime/wire/node_calls.hpp"

#include "runtime/config.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/worker/worker_loop.hpp"

#include <fmt/format.h>

// What the node answers for itself, as `troupe.node.NAME`.

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

void worker_loop::take_own_call(
    int link, const wire::header_view& header, std::string_view body, instant now) {
  if (header.op == "status") {
    return answer(link, header.id, status_body(now));
  }
  if (header.op == "breaker") {
    const auto found = wire::checked_decode<wire::get_breaker>(body).and_then(
        [this](const wire::get_breaker& asked) { return find_group(asked.capability); });
    return found ? answer(link, header.id, wire::encoded((*found)->breaker_report()))
                 : refuse(link, header.id, found.error());
  }
  if (header.op == "force_breaker") {
    return force_breaker(link, header, body, now);
  }
  refuse(
      link,
      header.id,
      {.code = errc::unknown_operation,
       .message = fmt::format(
           "`{}` has no operation `{}`; it has `status`, `breaker` and `force_breaker`",
           own_name_,
           header.op)});
}

void worker_loop::force_breaker(
    int link, const wire::header_view& header, std::string_view body, instant now) {
  auto asked = wire::checked_decode<wire::force_breaker>(body);
  if (!asked) {
    return refuse(link, header.id, asked.error());
  }
  if (const auto good = check(*asked); !good) {
    return refuse(link, header.id, good.error());
  }
  const auto found = find_group(asked->capability);
  if (!found) {
    return refuse(link, header.id, found.error());
  }
  group& front = **found;
  if (front.why_shut() != nullptr) {
    return refuse_shut(link, header.id, front);
  }
  asked->request = asked->request.value_or(header.id);
  if (!header.source.empty()) {
    asked->who += fmt::format(" ({})", header.source);
  }
  if (!front.has_store()) {
    front.force(
        {asked->mode, asked->who, asked->why, *asked->request, parts_.time.wall()},
        parts_.time.now());
    // First what changed: who has the answer finds it so.
    tell_state(index_of(&front), false);
    return answer(link, header.id, wire::encoded(front.breaker_report()));
  }
  // Its writer keeps it, and answers.
  item order{.what = item::kind::breaker_order, .link = link};
  order.slot = take_slot(header.id, link);
  order.id = header.id;
  order.deadline = now + milliseconds{header.ttl};
  order.operation = "force_breaker";
  order.own_body(wire::encoded(*asked));
  std::vector<item> batch;
  batch.push_back(std::move(order));
  front.push(batch);
}

outcome<group*> worker_loop::find_group(std::string_view capability) const {
  if (const auto found = group_by_name_.find(capability); found != group_by_name_.end()) {
    return &groups_[found->second]->front();
  }
  std::vector<std::string> names;
  for (const auto& [name, index] : group_by_name_) {
    names.push_back(name);
  }
  return failure{
      {.code = errc::unknown_capability,
       .message = fmt::format(
           "{} does not run `{}`{}", options_.node, capability, did_you_mean(capability, names))}};
}

void worker_loop::answer(int link, const uuid& id, std::string_view body) {
  std::string header;
  wire::append_reply_header(header, id, wire::status::ok);
  loop_.append(link, header, body);
}

} // namespace troupe
