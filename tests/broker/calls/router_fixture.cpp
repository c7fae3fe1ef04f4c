#include "tests/broker/calls/router_fixture.hpp"

#include "runtime/contains.hpp"

#include <algorithm>

namespace troupe::broker {

router_fixture::router_fixture(router_options options) : tested{std::move(options), alone, cuts} {
}

router_options router_fixture::usual() {
  router_options options;
  options.plan_digest = 7;
  options.capabilities = {{{"orders"}, 4}, {{"users"}, 4}};
  options.nodes = {{"n1"}, {"n2"}, {"n3"}};
  return options;
}

uuid router_fixture::id(std::uint64_t number) {
  uuid made;
  std::memcpy(made.bytes.data(), &number, sizeof number);
  return made;
}

wire::hello router_fixture::hello(
    std::string_view node, std::uint32_t credit, std::uint64_t incarnation) const {
  wire::hello made;
  made.role = "worker";
  made.node = node;
  made.incarnation = id(incarnation);
  made.plan = 7;
  made.batch = true;
  made.pid = 4711;
  for (const char* name : {"orders", "users"}) {
    wire::served& each = made.serves.emplace_back();
    each.capability = name;
    each.credit = credit;
    each.inbox = true;
    each.replicas = 1;
  }
  return made;
}

outcome<void> router_fixture::join(
    std::string_view node,
    std::uint32_t login,
    std::uint32_t credit,
    std::vector<uuid> in_flight,
    std::uint64_t incarnation) {
  wire::hello said = hello(node, credit, incarnation == 0 ? 1000U + login : incarnation);
  said.held.emplace();
  for (const uuid& each : in_flight) {
    const auto known = asked_.find(each);
    const request what = known == asked_.end() ? request{} : known->second;
    said.held->push_back({each, what.to, wire::digest_of_request("place", what.body)});
  }
  said.in_flight = std::move(in_flight);
  return join(login, said);
}

outcome<void> router_fixture::join(std::uint32_t login, const wire::hello& said) {
  auto taken = tested.hello(login_id{login}, said, now, out);
  carry_out();
  return taken;
}

void router_fixture::call(
    std::uint64_t number,
    std::uint64_t from,
    milliseconds ttl,
    std::string_view key,
    std::string_view to,
    std::string_view body) {
  asked_.try_emplace(id(number), request{std::string{to}, std::string{body}});
  std::string header;
  wire::append_call_header(
      header,
      {.id = id(number),
       .to = to,
       .op = "place",
       .key = key,
       .ttl = static_cast<std::uint32_t>(ttl.count())});
  const auto scanned = wire::scan_header(header);
  tested.call(origin{from == 0 ? number : from}, *scanned, header, body, now, out);
  carry_out();
}

void router_fixture::pass_reply(
    std::uint32_t login, const std::string& header, std::string_view body) {
  const auto scanned = wire::scan_header(header);
  tested.reply(login_id{login}, *scanned, header, body, now, out);
  carry_out();
}

void router_fixture::reply(std::uint32_t login, std::uint64_t number, std::string_view body) {
  std::string header;
  wire::append_reply_header(header, id(number), wire::status::ok);
  pass_reply(login, header, body);
}

void router_fixture::pending(std::uint32_t login, std::uint64_t number) {
  std::string header;
  wire::append_reply_header(header, id(number), wire::status::pending);
  pass_reply(login, header, {});
}

void router_fixture::refuse_with(std::uint32_t login, std::uint64_t number, const error& why) {
  std::string header;
  wire::append_error_header(header, id(number), why);
  pass_reply(login, header, {});
}

void router_fixture::lose(std::uint32_t login) {
  tested.gone(login_id{login}, "killed", now, out);
  carry_out();
}

void router_fixture::leave(std::uint32_t login) {
  tested.bye(login_id{login}, "left", now, out);
  carry_out();
}

void router_fixture::state(
    std::uint32_t login,
    std::uint32_t credit,
    std::string breaker,
    milliseconds retry_after,
    bool draining,
    std::optional<std::string> forced) {
  wire::state said;
  said.draining = draining;
  wire::served& orders = said.serves.emplace_back();
  orders.capability = "orders";
  orders.credit = credit;
  orders.breaker = std::move(breaker);
  orders.retry_after_ms = static_cast<std::uint32_t>(retry_after.count());
  orders.forced = std::move(forced);
  tested.state(login_id{login}, said, now, out);
  carry_out();
}

void router_fixture::shut(std::uint32_t login, std::string why) {
  wire::state said;
  wire::served& orders = said.serves.emplace_back();
  orders.capability = "orders";
  orders.breaker = "down";
  orders.shut = std::move(why);
  tested.state(login_id{login}, said, now, out);
  carry_out();
}

void router_fixture::keep_free(std::uint32_t login) {
  alone.request(suspect_of{0}, login_id{login});
  tested.follow_quarantine(now, out);
  carry_out();
}

void router_fixture::let_go() {
  alone.release(suspect_of{0});
  tested.follow_quarantine(now, out);
  carry_out();
}

void router_fixture::advance(milliseconds by, bool alive) {
  const instant until = now + by;
  while (now < until) {
    now = std::min<instant>(now + 10ms, until);
    for (const node& each : tested.nodes().nodes) {
      if (alive && each.live) {
        tested.pong(each.login, {}, now);
      }
    }
    tested.tick(now, out);
    carry_out();
  }
}

void router_fixture::carry_out() {
  for (const action& each : out.actions) {
    if (const auto* sent_on = std::get_if<deliver>(&each)) {
      const auto header = wire::scan_header(tested.call_at(sent_on->call).header());
      delivered.push_back({sent_on->to, header->id, header->ttl});
    } else if (const auto* passed = std::get_if<answer>(&each)) {
      const auto header = wire::scan_header(passed->header);
      ended.push_back({passed->to, header->id, std::nullopt, std::string{passed->body}, now});
    } else if (const auto* refused = std::get_if<refuse>(&each)) {
      ended.push_back({refused->to, refused->id, out.errors[refused->error], {}, now});
    } else if (const auto* over = std::get_if<forget>(&each)) {
      forgotten.push_back(over->whom);
    } else {
      ++rosters;
    }
  }
  events.insert(events.end(), out.log.begin(), out.log.end());
  failed.insert(failed.end(), out.failed.begin(), out.failed.end());
  out.clear();
}

std::vector<std::uint32_t> router_fixture::receivers(std::uint64_t number) const {
  std::vector<std::uint32_t> all;
  for (const sent& each : delivered) {
    if (each.id == id(number)) {
      all.push_back(static_cast<std::uint32_t>(each.to));
    }
  }
  return all;
}

std::size_t router_fixture::answers(std::uint64_t number) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      ended, [&](const settled& each) { return each.id == id(number) && !each.why; }));
}

std::optional<error> router_fixture::refusal(std::uint64_t number) const {
  std::optional<error> found;
  for (const settled& each : ended) {
    if (each.id == id(number) && each.why) {
      if (found) {
        return std::nullopt;
      }
      found = each.why;
    }
  }
  return found;
}

bool router_fixture::has_event(std::string_view name) const {
  return contains(events, name, &log_event::name);
}

void router_fixture::forget_all() {
  delivered.clear();
  ended.clear();
  forgotten.clear();
  events.clear();
  rosters = 0;
}

} // namespace troupe::broker
