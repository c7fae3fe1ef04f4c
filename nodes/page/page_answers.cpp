#include "nodes/page/page_answers.hpp"

#include <utility>

namespace troupe {

const http::field_list& page_fields() {
  static const http::field_list fields{
      {"Content-Security-Policy",
       "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"}};
  return fields;
}

http::response page_answer(int status, std::string_view type, std::string body) {
  http::response answer = http::with_body(status, type, std::move(body));
  answer.fields.insert(answer.fields.end(), page_fields().begin(), page_fields().end());
  answer.fields.emplace_back("Cache-Control", "no-store");
  return answer;
}

http::problem too_many_questions() {
  http::problem made{503, "overloaded", "too many questions of pages wait; ask again in a moment"};
  made.numbers.emplace_back("retry_after_ms", 1'000);
  return made;
}

} // namespace troupe
