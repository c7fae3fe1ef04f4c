#include "runtime/broker/events/group/subscriber.hpp"

#include <algorithm>
#include <utility>

// What it is offered, and what it says of itself. Who has which partition is in
// event_group_workers.cpp and event_group_assigned.cpp, who gets which event in
// event_group_delivery.cpp and event_group_postponed.cpp.

namespace troupe::broker {

namespace {

// Beyond that, those that every partition has passed are forgotten.
constexpr std::size_t graves_max = 65'536;

} // namespace

subscriber::subscriber(
    subscriber_options options,
    const std::array<std::uint64_t, 64>& start,
    std::vector<std::uint64_t> graves)
    : options_{std::move(options)}, graves_{std::move(graves)},
      scanned_{*std::min_element(start.begin(), start.end())}, jitter_{options_.seed} {
  std::sort(graves_.begin(), graves_.end());
  top_ = std::max(options_.journal_last, scanned_);
  for (std::size_t i = 0; i < start.size(); ++i) {
    partitions_[i].queued_to = start[i];
    partitions_[i].reached = options_.reached[i];
    top_ = std::max(top_, start[i]);
  }
}

bool subscriber::wants(std::string_view topic) const {
  return std::any_of(
      options_.patterns.begin(), options_.patterns.end(), [&](const std::string& each) {
        return wire::matches(each, topic);
      });
}

std::uint64_t subscriber::scanned() const {
  return scanned_;
}

bool subscriber::has_room() const {
  const std::size_t events = held_.size() + postponed_.held();
  const std::size_t bytes = held_.bytes() + postponed_.bytes();
  return events == 0 || (events < options_.window_events && bytes < options_.window_bytes);
}

std::size_t subscriber::room() const {
  const std::size_t events = held_.size() + postponed_.held();
  return events < options_.window_events ? options_.window_events - events : has_room() ? 1 : 0;
}

/// By what is in line: postponed events may fill the window for a long time.
bool subscriber::wants_more() const {
  return has_room() && held_.size() <= options_.window_events / 2
         && held_.bytes() <= options_.window_bytes / 2;
}

void subscriber::offer(const event_ref& what, instant now, group_decisions& out) {
  const std::uint64_t position = what->position;
  const std::uint32_t number = what->partition % wire::partition_count;
  event_partition& to = partitions_[number];
  passed(position);
  if (position <= to.queued_to) {
    if (to.unfetched != 0) {
      fetched({what}, {}, now, out);
    }
    return;
  }
  to.queued_to = position;
  held_event& added = held_.append(to.line, what);
  if (is_grave(position)) {
    added.is = held_event::fate::buried;
  } else if (!burying_.empty() && burying_.contains(position)) {
    added.is = held_event::fate::burying;
  }
  wake(number);
  if (to.is_listed) {
    pump(to.owner, now, out);
    if (!blamed_.empty()) {
      settle(now, out);
    }
  }
}

void subscriber::passed(std::uint64_t position) {
  scanned_ = std::max(scanned_, position);
  top_ = std::max(top_, position);
}

void subscriber::tick(instant now, group_decisions& out) {
  settle(now, out);
}

void subscriber::settle(instant now, group_decisions& out) {
  ring(now);
  if (!advance_isolation(now, out)) {
    begin_isolation(out); // Before its worker is filled again.
  }
  for (const std::uint32_t each : woken_) {
    pump(each, now, out);
  }
  woken_.clear();
  begin_isolation(out); // One may be next only now.
  if (has_given_) {
    flush_assigns(out);
  }
}

std::uint32_t subscriber::find(login_id login) const {
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].login == login && workers_[i].is_live) {
      return i;
    }
  }
  return nowhere;
}

std::uint64_t subscriber::cursor(const event_partition& of) const {
  const bool is_idle = of.line.first == nowhere && of.postponed.empty();
  if (is_idle) {
    return std::max(scanned_, of.queued_to);
  }
  std::uint64_t lowest = of.postponed.empty() ? ~std::uint64_t{0} : *of.postponed.begin();
  if (of.line.first != nowhere) {
    lowest = std::min(lowest, held_[of.line.first].position);
  }
  return lowest - 1;
}

std::array<std::uint64_t, 64> subscriber::cursors() const {
  std::array<std::uint64_t, 64> all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = cursor(partitions_[i]);
  }
  return all;
}

std::array<std::uint64_t, 64> subscriber::reached() const {
  std::array<std::uint64_t, 64> all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = partitions_[i].reached;
  }
  return all;
}

bool subscriber::is_grave(std::uint64_t position) const {
  return !graves_.empty() && position <= graves_.back()
         && std::binary_search(graves_.begin(), graves_.end(), position);
}

void subscriber::add_grave(std::uint64_t position) {
  if (graves_.size() >= graves_max) {
    const auto passed_by_all = cursors();
    const std::uint64_t to = *std::min_element(passed_by_all.begin(), passed_by_all.end());
    graves_.erase(graves_.begin(), std::upper_bound(graves_.begin(), graves_.end(), to));
  }
  const auto place = std::lower_bound(graves_.begin(), graves_.end(), position);
  if (place == graves_.end() || *place != position) {
    graves_.insert(place, position);
  }
}

bool subscriber::is_suspect(const event_ref& what) const {
  return !blamed_.empty() && blamed_.deaths_of(what->id) >= deaths_suspected;
}

/// It was handled, or given up, or failed without killing anybody.
void subscriber::forgive(const event_ref& what) {
  if (!blamed_.empty()) {
    blamed_.clear(what->id);
  }
}

std::uint32_t subscriber::in_flight(login_id whom) const {
  for (const event_worker& each : workers_) {
    if (each.is_live && each.login == whom) {
      return each.outstanding;
    }
  }
  return 0;
}

subscriber::status subscriber::look() const {
  status seen;
  seen.delivered = delivered_;
  seen.handled = handled_;
  seen.buried = buried_;
  seen.retrying = postponed_.all().size();
  for (const event_worker& each : workers_) {
    if (each.is_live) {
      seen.workers.push_back({each.node, 0, each.outstanding});
      seen.in_flight += each.outstanding;
    }
  }
  const event* oldest = nullptr;
  auto consider = [&](const event_ref& what) {
    if (what != nullptr && (oldest == nullptr || what->position < oldest->position)) {
      oldest = what.get();
    }
  };
  for (const event_partition& each : partitions_) {
    if (each.line.first != nowhere) {
      consider(held_[each.line.first].what);
    }
    if (each.is == event_partition::phase::refused) {
      seen.trouble = trouble_;
    }
    if (each.owner != nowhere) {
      std::uint32_t live = 0;
      for (std::uint32_t i = 0; i < each.owner; ++i) {
        live += workers_[i].is_live ? 1U : 0U;
      }
      ++seen.workers[live].partitions;
    }
  }
  if (!postponed_.all().empty()) {
    consider(postponed_.all().begin()->second.what);
  }
  seen.oldest_time = oldest == nullptr ? 0 : oldest->time;
  const std::size_t held = held_.size() + postponed_.all().size();
  seen.waiting = held - std::min(held, seen.in_flight);
  return seen;
}

} // namespace troupe::broker
