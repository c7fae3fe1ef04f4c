#include "runtime/worker/worker_loop.hpp"

#include <fmt/format.h>

// What comes from the broker that keeps the journal: events for subscribed capabilities, and what
// it says of outboxes.

namespace troupe {

void worker_loop::journal_up(int link) {
  journal_link_ = link;
  ++journal_login_;
  for (const auto& each : groups_) {
    if (each->front().has_open_store()) {
      item joined{.what = item::kind::journal_joined, .link = link};
      each->front().push_internal(std::move(joined));
    }
  }
}

void worker_loop::journal_down(int link) {
  if (link != journal_link_) {
    return;
  }
  journal_link_ = -1;
  for (const auto& each : groups_) {
    if (each->front().has_open_store()) {
      item left{.what = item::kind::journal_left, .link = link};
      each->front().push_internal(std::move(left));
    }
  }
}

void worker_loop::take_event(
    int link,
    const wire::header_view& header,
    std::string_view body,
    const transport::frame_ref& frame) {
  const auto found = group_by_name_.find(header.to);
  if (found == group_by_name_.end() || link != journal_link_ || is_shut(found->second)) {
    return;
  }
  // The broker keeps to its credit, and gives it anew after a login. Far beyond that something is
  // wrong, and what is dropped here would be missing: both begin again.
  const group& front = groups_[found->second]->front();
  const std::int64_t most = std::int64_t{3} * front.options().events_in_flight;
  const auto arriving = static_cast<std::int64_t>(arriving_events_[found->second].size());
  if (front.events_in_hand.load(std::memory_order_relaxed) + arriving >= most) {
    parts_.log.write(
        "events.too_many",
        {{"capability", front.name()}, {"in_hand", fmt::to_string(front.events_in_hand.load())}});
    journal_down(link);
    return loop_.renew(link);
  }
  item& event = arriving_event(found->second, link);
  event.what = item::kind::event;
  event.id = header.id;
  event.token = header.seq;
  event.partition = wire::partition_of(header.key, header.id);
  event.time = header.time;
  event.operation = header.op;
  event.key = header.key;
  event.source = header.source;
  event.body = body;
  event.frame = frame;
}

void worker_loop::take_order(
    int link, wire::kind kind, std::string_view body, const transport::frame_ref& frame) {
  std::string capability;
  std::optional<wire::assign> assigned;
  item order{.link = link};
  order.body = body;
  order.frame = frame;
  if (kind == wire::kind::assign) {
    order.what = item::kind::assignment;
    if (auto read = wire::checked_decode<wire::assign>(body)) {
      capability = read->capability;
      assigned = std::move(*read);
    }
  } else if (kind == wire::kind::buried) {
    order.what = item::kind::buried;
    const auto read = wire::checked_decode<wire::buried>(body);
    capability = read ? read->capability : std::string{};
  } else if (kind == wire::kind::confirmed) {
    order.what = item::kind::confirmed;
    const auto read = wire::checked_decode<wire::confirmed>(body);
    capability = read ? read->capability : std::string{};
  } else {
    order.what = item::kind::resend;
    const auto read = wire::checked_decode<wire::resend>(body);
    capability = read ? read->capability : std::string{};
  }
  const auto found = group_by_name_.find(capability);
  if (found == group_by_name_.end() || link != journal_link_ || is_shut(found->second)) {
    return;
  }
  if (groups_[found->second]->front().queues().size() == 1) {
    item& arriving = arriving_event(found->second, link);
    order.login = arriving.login;
    arriving = std::move(order);
  } else if (assigned) {
    assign_by_lane(found->second, link, *assigned);
  } else if (kind == wire::kind::buried) {
    bury_in_all_lanes(found->second, link, order);
  }
}

/// It announced that it takes no events and has no outbox: a broker that sends some anyway is told
/// nothing, as by a group that is not here.
bool worker_loop::is_shut(std::size_t group) const {
  return groups_[group]->front().why_shut() != nullptr;
}

/// Without a store each replica has its own partitions, and answers for them.
void worker_loop::assign_by_lane(std::size_t group, int link, const wire::assign& order) {
  const std::size_t queues = groups_[group]->front().queues().size();
  for (std::uint32_t work_queue = 0; work_queue < queues; ++work_queue) {
    wire::assign part{order.capability, order.journal, order.epoch, {}};
    for (const wire::progress& each : order.partitions) {
      if (each.partition % queues == work_queue) {
        part.partitions.push_back(each);
      }
    }
    if (!part.partitions.empty()) {
      item& arriving = arriving_event(group, link);
      arriving.what = item::kind::assignment;
      arriving.partition = work_queue;
      arriving.own_body(wire::encoded(part));
    }
  }
}

/// A position does not say which work_queue has it.
void worker_loop::bury_in_all_lanes(std::size_t group, int link, const item& order) {
  const std::size_t queues = groups_[group]->front().queues().size();
  for (std::uint32_t work_queue = 0; work_queue < queues; ++work_queue) {
    item& arriving = arriving_event(group, link);
    arriving.what = item::kind::buried;
    arriving.partition = work_queue;
    arriving.body = order.body;
    arriving.frame = order.frame;
  }
}

item& worker_loop::arriving_event(std::size_t group, int link) {
  std::vector<item>& batch = arriving_events_[group];
  if (batch.empty()) {
    events_arrived_.push_back(group);
  }
  item& added = batch.emplace_back();
  added.link = link;
  added.login = journal_login_;
  return added;
}

} // namespace troupe
