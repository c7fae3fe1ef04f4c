#include "runtime/gateway/server/gateway.hpp"

#include "runtime/gateway/client_address.hpp"
#include "runtime/gateway/idempotency.hpp"
#include "runtime/gateway/problem_of.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe::gateway {

namespace {

constexpr std::string_view call_path = "calls";

std::optional<uuid> call_in(const http::request_target& target) {
  return target.path.size() == 2 && target.path[0] == call_path ? parse_uuid(target.path[1])
                                                                : std::nullopt;
}

http::problem unknown_call() {
  return {
      404,
      "unknown_call",
      "no such call is under way here, and none was answered in the last 10 minutes; ask again "
      "with its Idempotency-Key where it was begun"};
}

http::response method_not_allowed(std::string allow) {
  http::response answer =
      http::to_response({405, "method_not_allowed", fmt::format("this path takes {}", allow)});
  answer.fields.emplace_back("Allow", std::move(allow));
  return answer;
}

} // namespace

outcome<std::unique_ptr<gateway>> gateway::make(options given, const clock& time) {
  auto made = std::make_unique<gateway>(std::move(given), time);
  auto to_loop = [self = made.get()](auto task) { self->post(std::move(task)); };
  TROUPE_TRY(made->calls_, call_desk::open(made->options_.calls, std::move(to_loop)));
  const options& settings = made->options_;
  if (!settings.keys.empty()) {
    TROUPE_TRY(made->keys_, key_book::open(settings.keys, settings.keys_kept, time, *made));
  }
  return made;
}

gateway::gateway(options given, const clock& time)
    : options_{std::move(given)}, time_{time}, cors_{options_.origins}, book_{time, *this} {
  if (options_.each_client) {
    rates_.emplace(*options_.each_client);
  }
  counts_.push_back(std::make_shared<answer_counts>());
}

gateway::~gateway() {
  // Their threads post to the server, so stop them before the server is destroyed.
  if (keys_) {
    keys_->close();
  }
  if (calls_) {
    calls_->close(milliseconds{0});
  }
}

void gateway::add(route one) {
  routes_.push_back(std::move(one.key));
  handlers_.push_back(std::move(one.handler));
  counts_.push_back(std::make_shared<answer_counts>());
}

outcome<void> gateway::start(http::fault_listener faults) {
  http::server_options server = options_.server;
  if (!options_.origins.empty()) {
    server.fields_of_refusals = [this](std::string_view origin) {
      return cors_.fields_for(origin);
    };
  }
  TROUPE_TRY(
      server_,
      http::server::start(
          std::move(server),
          [this](http::request asked, const http::responder& answers) {
            is_started_.wait();
            handle(std::move(asked), answers);
          },
          std::move(faults)));
  is_started_.count_down();
  return {};
}

bool gateway::drain(milliseconds within) {
  const instant until = time_.now() + within;
  post([this] {
    is_draining_ = true;
    for (const auto& each : handlers_) {
      each->drain();
    }
  });
  const bool all_ended = server_->drain(within);
  // The HTTP loop has ended. The calls still under way that matter are those whose clients were
  // told to poll and no longer wait here.
  const auto left = std::max(until - time_.now(), instant::duration::zero());
  calls_->close(std::chrono::ceil<milliseconds>(left));
  return all_ended;
}

void gateway::post(std::function<void()> task) {
  server_->post(std::move(task));
}

void gateway::post_after(milliseconds time, std::function<void()> task) {
  server_->post_after(time, std::move(task));
}

void gateway::ask_snapshot(std::function<void(gateway_snapshot)> answered) {
  post([this, answered = std::move(answered)] { answered(snapshot()); });
}

http::responder gateway::noted(
    const http::request& asked,
    const http::responder& answers,
    const std::shared_ptr<answer_counts>& counts) const {
  return http::responder{
      std::make_shared<noted_exchange>(answers, cors_.fields_for(asked), counts, time_)};
}

void gateway::handle(http::request asked, const http::responder& answers) {
  const bool is_trusted = options_.trusts_traces || is_of_proxy(asked, options_.proxies);
  if (!options_.proxies.empty()) {
    asked.peer.uses_tls = client_uses_tls(asked, options_.proxies);
    asked.peer.host = client_address(asked, options_.proxies);
  }
  const auto request_of = [&](route_path::variables variables) {
    const bool is_of_other_site = cors_.refuses_site_of(asked);
    return route_request{
        .asked = std::move(asked),
        .variables = std::move(variables),
        .is_of_other_site = is_of_other_site,
        .is_trusted_with_traces = is_trusted};
  };
  auto found = find_route(routes_, asked.method, asked.target.path);
  if (auto* const route = std::get_if<route_found>(&found)) {
    const auto to = noted(asked, answers, counts_[route->route]);
    if (!is_over_rate(asked, to)) {
      handlers_[route->route]->handle(request_of(std::move(route->variables)), to);
    }
    return;
  }
  const auto to = noted(asked, answers, counts_.back());
  if (is_over_rate(asked, to)) {
    return;
  }
  const auto* const others = std::get_if<other_methods>(&found);
  if (others != nullptr && asked.method == http::method::options) {
    to.respond(cors::answer_options(asked, others->allow));
  } else if (otherwise_ != nullptr && !call_in(asked.target)) {
    otherwise_->handle(request_of({}), to);
  } else if (others != nullptr) {
    to.respond(method_not_allowed(others->allow));
  } else if (call_in(asked.target)) {
    answer_call(asked, to);
  } else {
    to.respond(
        http::problem{404, "not_found", fmt::format("nothing is served at {}", asked.target.raw)});
  }
}

bool gateway::is_over_rate(const http::request& asked, const http::responder& answers) {
  if (!rates_) {
    return false;
  }
  const auto wait = rates_->take(asked.peer.host, time_.now());
  if (wait == instant::duration::zero()) {
    return false;
  }
  ++rate_limited_;
  http::problem over{
      429,
      "rate_limited",
      fmt::format(
          "your address may send {} requests within {} ms",
          options_.each_client->requests,
          options_.each_client->within.count())};
  over.numbers.emplace_back("retry_after_ms", std::chrono::ceil<milliseconds>(wait).count());
  answers.respond(over);
  return true;
}

void gateway::answer_call(const http::request& asked, const http::responder& answers) {
  if (asked.method == http::method::options) {
    answers.respond(cors::answer_options(asked, "GET, HEAD"));
    return;
  }
  if (asked.method != http::method::get && asked.method != http::method::head) {
    answers.respond(method_not_allowed("GET, HEAD"));
    return;
  }
  const uuid id = *call_in(asked.target);
  if (!book_.knows(id)) {
    answers.respond(unknown_call());
    return;
  }
  if (const std::string& owner = book_.service_of(id); !owner.empty()) {
    const auto service = services_(asked);
    if (!service) {
      answers.respond(problem_of(service.error(), std::nullopt));
      return;
    }
    if (*service != owner) {
      answers.respond(unknown_call());
      return;
    }
  }
  const auto preferred = wait_preferred(asked.listed("prefer"));
  book_.wait(id, answers, preferred.wait.value_or(std::chrono::seconds{0}));
}

gateway_snapshot gateway::snapshot() const {
  gateway_snapshot said;
  said.links = calls_->client().links();
  said.is_draining = is_draining_;
  said.calls_under_way = calls_->under_way();
  said.connections = server_->counts();
  said.rate_limited = rate_limited_;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    gateway_snapshot::route_counts route;
    if (i < routes_.size()) {
      route.route = fmt::format("{} {}", http::name_of(routes_[i].method), routes_[i].path.text());
    }
    route.answers = counts_[i]->read();
    said.routes.push_back(std::move(route));
  }
  return said;
}

} // namespace troupe::gateway
