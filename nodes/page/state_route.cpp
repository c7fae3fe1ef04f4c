#include "nodes/page/state_route.hpp"

#include "nodes/page/page_answers.hpp"

#include <utility>

namespace troupe {

namespace {

using namespace std::chrono_literals;

/// How long a state is reused: less than the interval of the page's questions, so that a single tab
/// always gets a new one.
constexpr milliseconds state_kept_for = 900ms;

} // namespace

void state_route::handle(gateway::route_request, const http::responder& answers) {
  if (read_at_ && time_.now() - *read_at_ < state_kept_for) {
    answers.respond(page_answer(200, "application/json", text_));
    return;
  }
  waiting_.push_back(answers);
  if (waiting_.size() == 1) {
    ask();
  }
}

void state_route::ask() {
  const bool is_taken = desk_.add([this](system_links& links) {
    const instant begun = time_.now();
    loop_.post([this, begun, text = reader_.read(links)] { take(begun, text); });
  });
  if (!is_taken) {
    for (const http::responder& each : std::exchange(waiting_, {})) {
      each.respond(too_many_questions());
    }
  }
}

void state_route::take(instant begun, std::string text) {
  text_ = std::move(text);
  read_at_ = begun;
  for (const http::responder& each : std::exchange(waiting_, {})) {
    each.respond(page_answer(200, "application/json", text_));
  }
}

} // namespace troupe
