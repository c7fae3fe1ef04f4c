#pragma once

#include "nodes/page/page_desk.hpp"
#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/outcome.hpp"

#include <functional>
#include <string>
#include <utility>

namespace troupe {

/// A route that asks the system about one thing, such as a saga.
class detail_route final : public gateway::route_handler {
public:
  /// Answers with JSON; on the desk's thread.
  using question =
      std::function<outcome<std::string>(system_links&, const gateway::route_path::variables&)>;

  /// @param desk outlives this.
  detail_route(page_desk& desk, question asks) : desk_{desk}, asks_{std::move(asks)} {}

  void handle(gateway::route_request request, const http::responder& answers) override;

private:
  page_desk& desk_;
  const question asks_;
};

} // namespace troupe
