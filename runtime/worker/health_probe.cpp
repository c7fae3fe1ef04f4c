#include "runtime/worker/health_probe.hpp"

#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <string>

namespace troupe {

void health_probe::begin(instant now) {
  began_ = now;
  for (std::size_t i = 0; i < of_.size(); ++i) {
    ask_group(i, now);
  }
  for (int link = 0; link < sockets_.links(); ++link) {
    ask_link(link, now);
  }
}

void health_probe::ask_group(std::size_t number, instant now) {
  asked_group& asked = of_[number];
  group& of = (*(all_.begin() + static_cast<std::ptrdiff_t>(number)))->front();
  if (of.condition().why_shut() != nullptr) {
    asked = {}; // A group that is shut has no runners.
  } else if (asked.open == 0) {
    const auto queues = of.queues().all();
    asked.open = queues.size();
    asked.asked = now;
    for (work_queue& each : queues) {
      each.push(item{.what = item::kind::probe});
    }
  }
}

void health_probe::ask_link(int link, instant now) {
  asked_link& asked = links_[static_cast<std::size_t>(link)];
  if (!sockets_.is_up(link)) {
    asked = {};
  } else if (asked.call == uuid{} || now - asked.asked > call_limit) {
    asked = {ids_.next(time_.wall()), now, {}};
    std::string header;
    wire::append_call_header(
        header,
        {.id = asked.call,
         .to = "troupe.broker",
         .op = "ping",
         .ttl = static_cast<std::uint32_t>(call_limit.count())});
    sockets_.append(link, header, {});
  }
}

bool health_probe::is_over(instant now) const {
  const bool all_in =
      std::ranges::all_of(of_, [](const asked_group& each) { return each.open == 0; })
      && std::ranges::all_of(links_, [](const asked_link& each) { return each.call == uuid{}; });
  return all_in || now - *began_ >= patience_;
}

bool health_probe::take_reply(int link, const uuid& id) {
  asked_link& asked = links_[static_cast<std::size_t>(link)];
  if (asked.call != id) {
    return false;
  }
  asked.took = time_.now() - asked.asked;
  asked.call = {};
  return true;
}

void health_probe::take(const group& from, const group_probe& said) {
  const auto found =
      std::ranges::find_if(all_, [&](const auto& each) { return &each->front() == &from; });
  asked_group& asked = of_[static_cast<std::size_t>(found - all_.begin())];
  if (asked.open != 0 && --asked.open == 0) {
    asked.took = time_.now() - asked.asked;
  }
  asked.said = said;
}

std::chrono::nanoseconds health_probe::group_took(std::size_t number, instant now) const {
  const asked_group& asked = of_[number];
  return asked.open == 0 ? asked.took : now - asked.asked;
}

std::optional<std::chrono::nanoseconds> health_probe::link_took(int link, instant now) const {
  const asked_link& asked = links_[static_cast<std::size_t>(link)];
  if (!sockets_.is_up(link) || asked.asked == instant{}) {
    return std::nullopt;
  }
  return asked.call == uuid{} ? asked.took : now - asked.asked;
}

} // namespace troupe
