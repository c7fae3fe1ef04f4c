#include "runtime/broker/server/server.hpp"
#include "runtime/wire/writer.hpp"

#include <array>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

template <class Counters>
struct count_name {
  std::string_view name;
  std::uint64_t Counters::*value;
};

constexpr std::array router_counts{
    count_name<counters>{"calls", &counters::calls},
    count_name<counters>{"attached", &counters::attached},
    count_name<counters>{"delivered", &counters::delivered},
    count_name<counters>{"redelivered", &counters::redelivered},
    count_name<counters>{"replies", &counters::replies},
    count_name<counters>{"pending", &counters::pending},
    count_name<counters>{"answered", &counters::answered},
    count_name<counters>{"refused", &counters::refused},
    count_name<counters>{"overloaded", &counters::overloaded},
    count_name<counters>{"conflicts", &counters::conflicts},
    count_name<counters>{"expired", &counters::expired},
    count_name<counters>{"late_replies", &counters::late_replies},
    count_name<counters>{"stray_replies", &counters::stray_replies},
    count_name<counters>{"tried_elsewhere", &counters::tried_elsewhere},
    count_name<counters>{"workers_joined", &counters::workers_joined},
    count_name<counters>{"workers_lost", &counters::workers_lost},
    count_name<counters>{"workers_left", &counters::workers_left},
    count_name<counters>{"logins_refused", &counters::logins_refused},
    count_name<counters>{"suspects", &counters::suspects},
    count_name<counters>{"convicted", &counters::convicted},
    count_name<counters>{"adopted", &counters::adopted},
};

constexpr std::array server_counts{
    count_name<server_counters>{"malformed", &server_counters::malformed},
    count_name<server_counters>{"unauthenticated", &server_counters::unauthenticated},
    count_name<server_counters>{"undeliverable", &server_counters::undeliverable},
    count_name<server_counters>{"clients_joined", &server_counters::clients_joined},
    count_name<server_counters>{"clients_lost", &server_counters::clients_lost},
    count_name<server_counters>{"stood_still", &server_counters::stood_still},
};

std::uint64_t millis(instant::duration span) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(span).count());
}

void entry(wire::writer& to, std::string_view key, std::string_view value) {
  to.text(key);
  to.text(value);
}

void entry(wire::writer& to, std::string_view key, std::uint64_t value) {
  to.text(key);
  to.unsigned_integer(value);
}

void flag(wire::writer& to, std::string_view key, bool value) {
  to.text(key);
  to.boolean(value);
}

void write_lane(wire::writer& to, const capability& where, const placement& placement) {
  to.map(8);
  entry(to, "capability", where.name);
  entry(to, "credit", placement.credit);
  entry(to, "outstanding", placement.outstanding);
  entry(to, "replicas", placement.replicas);
  flag(to, "inbox", placement.inbox);
  entry(to, "breaker", placement.breaker);
  entry(to, "shut", placement.why_shut);
  entry(to, "forced", placement.forced);
}

void write_nodes(wire::writer& to, const directory& directory, instant now) {
  to.array(static_cast<std::uint32_t>(directory.nodes.size()));
  for (const node& each : directory.nodes) {
    to.map(each.live ? 8 : 2);
    entry(to, "name", each.name);
    flag(to, "live", each.live);
    if (!each.live) {
      continue;
    }
    entry(to, "incarnation", to_string(each.incarnation));
    entry(to, "pid", each.pid);
    entry(to, "up_ms", millis(now - each.since));
    flag(to, "draining", each.draining);
    entry(to, "busy_ms", each.progress.busy_ms);
    to.text("capabilities");
    std::uint32_t count = 0;
    for (const node::place& at : each.placements) {
      count += directory.capabilities[at.capability].name.starts_with("troupe.") ? 0U : 1U;
    }
    to.array(count);
    for (const node::place& at : each.placements) {
      const capability& where = directory.capabilities[at.capability];
      if (!where.name.starts_with("troupe.")) {
        write_lane(to, where, where.placements[at.placement]);
      }
    }
  }
}

void write_capabilities(wire::writer& to, const directory& directory) {
  std::uint32_t count = 0;
  for (const capability& each : directory.capabilities) {
    count += each.name.starts_with("troupe.") ? 0U : 1U;
  }
  to.array(count);
  for (const capability& each : directory.capabilities) {
    if (each.name.starts_with("troupe.")) {
      continue;
    }
    bool is_served = false;
    for (const placement& placement : each.placements) {
      is_served = is_served || (directory.nodes[placement.node].live && placement.credit > 0);
    }
    to.map(5);
    entry(to, "name", each.name);
    entry(to, "queued", each.queue.size);
    entry(to, "outstanding", each.outstanding);
    entry(to, "awaiting", each.awaiting.size);
    flag(to, "waiting_for_workers", !is_served);
  }
}

} // namespace

/// Operations of `troupe.broker`, which the broker answers itself.
void server::own_call(reply_to from, const wire::header_view& header, instant now) {
  std::string body;
  if (header.op == "status") {
    body = status(now);
  } else if (header.op == "ping") {
    body = '\x80'; // An empty map.
  } else {
    return respond_error(
        from,
        header.id,
        {.code = errc::unknown_operation,
         .message = fmt::format(
             "`troupe.broker` has no operation `{}`; it has `status` and `ping`", header.op)});
  }
  scratch_.clear();
  wire::append_reply_header(scratch_, header.id, wire::status::ok);
  respond(from, scratch_, body);
}

std::string server::status(instant now) const {
  std::string bytes;
  wire::writer to{bytes};
  to.map(9);
  entry(to, "broker", options_.name);
  entry(to, "incarnation", to_string(options_.incarnation));
  entry(to, "uptime_ms", millis(now - started_));
  flag(to, "draining", draining_);
  entry(to, "calls_held", router_.size());
  to.text("nodes");
  write_nodes(to, router_.nodes(), now);
  to.text("capabilities");
  write_capabilities(to, router_.nodes());
  to.text("counters");
  to.map(router_counts.size() + server_counts.size());
  for (const auto& each : router_counts) {
    entry(to, each.name, router_.counts().*each.value);
  }
  for (const auto& each : server_counts) {
    entry(to, each.name, counts_.*each.value);
  }
  to.text("events");
  to.array(static_cast<std::uint32_t>(recent_.size()));
  for (const past_event& each : recent_) {
    to.map(3);
    entry(to, "name", each.what.name);
    entry(to, "ago_ms", millis(now - each.at));
    to.text("fields");
    to.map(static_cast<std::uint32_t>(each.what.fields.size()));
    for (const auto& [key, value] : each.what.fields) {
      entry(to, key, value);
    }
  }
  return bytes;
}

} // namespace troupe::broker
