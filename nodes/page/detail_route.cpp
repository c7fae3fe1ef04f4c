#include "nodes/page/detail_route.hpp"

#include "nodes/page/page_answers.hpp"
#include "runtime/gateway/problem_of.hpp"

#include <optional>

namespace troupe {

void detail_route::handle(gateway::route_request request, const http::responder& answers) {
  const bool is_taken =
      desk_.add([asks = asks_, of = std::move(request.variables), answers](system_links& links) {
        auto said = asks(links, of);
        if (said) {
          answers.respond(page_answer(200, "application/json", std::move(*said)));
        } else {
          answers.respond(gateway::problem_of(said.error(), std::nullopt));
        }
      });
  if (!is_taken) {
    answers.respond(too_many_questions());
  }
}

} // namespace troupe
