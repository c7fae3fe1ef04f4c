#include "runtime/http/response.hpp"

#include <utility>

namespace troupe::http {

response with_body(int status, std::string_view type, std::string body) {
  response answer{.status = status, .body = std::move(body)};
  answer.fields.emplace_back("Content-Type", type);
  return answer;
}

response to_response(const problem& what) {
  response answer = with_body(what.status, problem_type, to_json(what) + '\n');
  for (const auto& [name, number] : what.numbers) {
    if (name == "retry_after_ms") {
      answer.fields.emplace_back("Retry-After", std::to_string((number + 999) / 1'000));
    }
  }
  return answer;
}

} // namespace troupe::http
