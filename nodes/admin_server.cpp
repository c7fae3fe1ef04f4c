#include "nodes/admin_server.hpp"

#include "runtime/contains.hpp"
#include "runtime/observe/accepted.hpp"
#include "topology/endpoint.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>
#include <utility>
#include <variant>

namespace troupe {

namespace {

using namespace std::chrono_literals;

/// How long an answer of the loop is reused.
constexpr milliseconds kept_for = 1s;

/// Enough for a few probes and an operator; a node needs its descriptors for other things.
constexpr std::size_t connections_max = 64;

constexpr std::array<std::string_view, 4> paths{"livez", "readyz", "health", "metrics"};

constexpr std::string_view standard_type = "application/health+json";

http::server_options server_options_of(const admin_server::options& given) {
  // The address was checked with the topology.
  const auto where = std::get<topology::endpoint>(topology::read_admin_address(given.address));
  http::server_options options{.address = to_text(where)};
  // Other Host names are refused: a web page could have a name of its own resolve to this machine.
  options.hosts = {where.host, "localhost", "[::1]"};
  options.request.handler = given.patience + 10s;
  options.connections.all = connections_max;
  options.connections.per_address = connections_max;
  return options;
}

http::response plain(bool is_good, std::string_view word, const std::string& why) {
  return http::with_body(
      is_good ? 200 : 503,
      "text/plain; charset=utf-8",
      is_good ? fmt::format("{}\n", word) : fmt::format("not {}: {}\n", word, why));
}

std::optional<http::problem> refusal_of(const http::request& asked) {
  const auto& path = asked.target.path;
  if (path.size() != 1 || !contains(paths, path[0])) {
    return http::problem{404, "not_found", "here are /livez, /readyz, /health and /metrics"};
  }
  if (asked.method != http::method::get && asked.method != http::method::head) {
    return http::problem{405, "method_not_allowed", "use GET or HEAD"};
  }
  return std::nullopt;
}

} // namespace

outcome<std::unique_ptr<admin_server>>
admin_server::start(options given, const clock& time, ask_node ask) {
  if (given.address.empty()) {
    return nullptr;
  }
  auto made = std::make_unique<admin_server>(std::move(given), time, std::move(ask));
  TROUPE_TRY(
      made->server_,
      http::server::start(
          server_options_of(made->options_),
          [self = made.get()](http::request asked, const http::responder& answers) {
            self->is_started_.wait();
            self->handle(std::move(asked), answers);
          }));
  made->is_started_.count_down();
  return made;
}

admin_server::admin_server(options given, const clock& time, ask_node ask)
    : options_{std::move(given)}, time_{time}, ask_{std::move(ask)} {
}

void admin_server::handle(http::request asked, const http::responder& answers) {
  if (const auto refused = refusal_of(asked)) {
    http::response answer = http::to_response(*refused);
    if (refused->status == 405) {
      answer.fields.emplace_back("Allow", "GET, HEAD");
    }
    answers.respond(std::move(answer));
    return;
  }
  if (found_ && time_.now() - found_->at < kept_for) {
    answers.respond(answer_to(asked));
    return;
  }
  waiting_.push_back({std::move(asked), answers});
  if (waiting_.size() == 1) {
    ask_loop();
  }
}

void admin_server::ask_loop() {
  const instant now = time_.now();
  if (!asked_at_) {
    asked_at_ = now;
    ask_([this, now](node_report said) {
      server_->post([this, now, said = std::move(said)] {
        asked_at_.reset();
        note({said.health(), said, time_.now() - now, time_.now()});
      });
    });
  }
  server_->post_after(options_.patience, [this, since = *asked_at_] {
    if (asked_at_ == since) {
      const auto waited = std::chrono::floor<milliseconds>(time_.now() - since);
      note({observe::not_live(waited), std::nullopt, time_.now() - since, time_.now()});
    }
  });
}

void admin_server::note(finding found) {
  found_ = std::move(found);
  for (const question& each : std::exchange(waiting_, {})) {
    each.answers.respond(answer_to(each.asked));
  }
}

http::response admin_server::answer_to(const http::request& asked) const {
  const observe::health& health = found_->health;
  const std::string& what = asked.target.path[0];
  if (what == "livez") {
    return plain(health.stuck.empty(), "live", health.stuck);
  }
  if (what == "readyz") {
    return plain(health.is_ready(), "ready", health.unready);
  }
  const std::string accept = asked.listed("accept");
  if (what == "metrics") {
    const observe::metrics_format format = observe::format_for(accept);
    return found_->report ? http::with_body(
               200, observe::content_type_of(format), found_->report->metrics(format))
                          : http::to_response({503, "not_live", health.unready});
  }
  const int weight = observe::weight_of(accept, standard_type);
  const bool is_standard = weight > 0 && weight >= observe::weight_of(accept, "application/json");
  const auto words = is_standard ? observe::health_words::standard : observe::health_words::plain;
  return http::with_body(
      observe::status_of(health, words),
      is_standard ? standard_type : "application/json",
      observe::to_json(health, found_->took, words, time_.wall()));
}

} // namespace troupe
