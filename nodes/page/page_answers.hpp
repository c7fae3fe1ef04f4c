#pragma once

#include "runtime/http/problem.hpp"
#include "runtime/http/response.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// The fields of every answer of the page: nothing is loaded from elsewhere, only files of the page
/// run, it cannot be shown in a frame, and no type is guessed.
/// @source W3C, Content Security Policy Level 3.
const http::field_list& page_fields();

/// An answer that may change from one request to the next.
http::response page_answer(int status, std::string_view type, std::string body);

/// The answer to a request while `page_desk::waiting_max` others wait.
http::problem too_many_questions();

} // namespace troupe
