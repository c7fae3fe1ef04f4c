#pragma once

#include "nodes/page/page_desk.hpp"
#include "nodes/page/state_reader.hpp"
#include "runtime/clock.hpp"
#include "runtime/gateway/server/http_loop.hpp"
#include "runtime/gateway/server/route_handler.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The state of the system, shared by all viewers of its page: read at most once a second, and only
/// on request. Confined to the HTTP loop.
class state_route final : public gateway::route_handler {
public:
  /// All arguments outlive this.
  state_route(page_desk& desk, state_reader& reader, gateway::http_loop& loop, const clock& time)
      : desk_{desk}, reader_{reader}, loop_{loop}, time_{time} {}

  void handle(gateway::route_request request, const http::responder& answers) override;

private:
  void ask();
  void take(instant begun, std::string text);

  page_desk& desk_;
  state_reader& reader_;
  gateway::http_loop& loop_;
  const clock& time_;
  /// The text read last, and when its reading began; a reading in progress does not count.
  std::string text_;
  std::optional<instant> read_at_;
  std::vector<http::responder> waiting_;
};

} // namespace troupe
