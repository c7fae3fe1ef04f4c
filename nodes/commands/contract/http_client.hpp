#pragma once

#include "runtime/clock.hpp"
#include "runtime/contract/comparison.hpp"
#include "runtime/outcome.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// A quick check whether `text` is an http:// or https:// URL.
bool is_http_url(std::string_view text);

/// Sends `asked` to `base`, whose path is put in front. Follows no redirect, uses no proxy, and
/// adds only what HTTP requires.
/// @param within for all of it.
/// @errors `invalid`: not a request for `base`, and not sent; `unavailable`: no answer, or one
/// above 16 MiB, with the reason; `deadline_exceeded`.
outcome<contract::actual_response>
send_http(const std::string& base, const contract::actual_request& asked, milliseconds within);

} // namespace troupe
