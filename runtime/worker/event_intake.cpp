#include "runtime/worker/event_intake.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>

namespace troupe {

namespace {

/// The capability an order is for; empty if it cannot be read.
template <class Order>
std::string capability_of(std::string_view body) {
  auto read = wire::checked_decode<Order>(body);
  return read ? std::move(read->capability) : std::string{};
}

} // namespace

void event_intake::take_news(int link, std::string_view body) {
  if (const auto said = wire::checked_decode<wire::welcome>(body)) {
    follow(journal_.told(link, *said));
  }
}

void event_intake::follow(bool is_moved) {
  if (!is_moved) {
    return;
  }
  if (link_ >= 0 && link_ != journal_.link()) {
    groups_.tell_writers({.what = item::kind::journal_left, .link = link_});
  }
  link_ = journal_.link();
  if (link_ >= 0) {
    ++login_;
    groups_.tell_writers({.what = item::kind::journal_joined, .link = link_, .login = login_});
  }
}

void event_intake::renew_login(std::uint32_t login) {
  if (login == login_ && link_ >= 0) {
    const int link = link_;
    lost(link);
    loop_.renew(link);
  }
}

group* event_intake::open_group(int link, std::string_view capability) const {
  group* found = link == link_ ? groups_.find(capability) : nullptr;
  return found != nullptr && found->condition().why_shut() == nullptr ? found : nullptr;
}

void event_intake::take_event(
    int link,
    const wire::header_view& header,
    std::string_view body,
    const transport::frame_ref& frame) {
  group* to = open_group(link, header.to);
  if (to == nullptr) {
    return;
  }
  // The broker respects its credit, which starts over after a login. Far beyond it something is
  // wrong, and a dropped event would be missing: broker and worker start over.
  if (to->queues().events_taken() >= std::int64_t{3} * to->options().events_in_flight) {
    log_.write(
        "events.too_many",
        {{"capability", to->name()}, {"in_hand", fmt::to_string(to->queues().events_in_hand())}});
    lost(link);
    return loop_.renew(link);
  }
  item& event = groups_.adding_to(*to).add_event(wire::partition_of(header.key, header.id));
  event.what = item::kind::event;
  event.link = link;
  event.login = login_;
  event.id = header.id;
  event.token = header.seq;
  event.time = header.time;
  event.operation = header.op;
  event.key = header.key;
  event.source = header.source;
  event.trace = header.traceparent;
  event.body = body;
  event.frame = frame;
}

void event_intake::take_order(
    int link, wire::kind kind, std::string_view body, const transport::frame_ref& frame) {
  item::kind what = item::kind::resend;
  std::string capability;
  std::optional<wire::assign> assigned;
  switch (kind) {
  case wire::kind::assign:
    what = item::kind::assignment;
    if (auto read = wire::checked_decode<wire::assign>(body)) {
      capability = read->capability;
      assigned = std::move(*read);
    }
    break;
  case wire::kind::buried:
    what = item::kind::dead_letters;
    capability = capability_of<wire::buried>(body);
    break;
  case wire::kind::confirmed:
    what = item::kind::confirmed;
    capability = capability_of<wire::confirmed>(body);
    break;
  default:
    capability = capability_of<wire::resend>(body);
  }
  if (capability.empty() && link == link_) {
    // The broker waits for an answer that will not come: a fault of one of the two programs.
    log_.write("journal.unreadable_order", {{"kind", std::string{wire::name_of(kind)}}});
  }
  group* to = open_group(link, capability);
  if (to == nullptr) {
    return;
  }
  const std::size_t queues = to->queues().all().size();
  if (queues > 1 && assigned) {
    return assign_by_queue(*to, *assigned);
  }
  if (queues > 1 && what != item::kind::dead_letters) {
    return; // About an outbox, which a group without a store does not have.
  }
  // A position does not tell its queue, so BURIED goes to each.
  for (std::uint32_t queue = 0; queue < queues; ++queue) {
    item& order = add_order(*to, what, queue);
    order.body = body;
    order.frame = frame;
  }
}

/// Gives each queue the assignment of its partitions: without a store each replica answers for its
/// own.
void event_intake::assign_by_queue(group& to, const wire::assign& order) {
  const std::size_t queues = to.queues().all().size();
  for (std::uint32_t queue = 0; queue < queues; ++queue) {
    const auto is_of_queue = [&](const auto& each) { return each.partition % queues == queue; };
    wire::assign part{order.capability, order.journal, order.epoch, {}, order.lives};
    std::ranges::copy_if(order.partitions, std::back_inserter(part.partitions), is_of_queue);
    if (order.remembered) {
      std::ranges::copy_if(
          *order.remembered, std::back_inserter(part.remembered.emplace()), is_of_queue);
    }
    if (!part.partitions.empty()) {
      add_order(to, item::kind::assignment, queue).own_body(wire::encoded(part));
    }
  }
}

item& event_intake::add_order(group& to, item::kind what, std::uint32_t queue) {
  item& order = groups_.adding_to(to).add_order(queue);
  order.what = what;
  order.link = link_;
  order.login = login_;
  return order;
}

} // namespace troupe
