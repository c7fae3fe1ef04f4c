#pragma once

#include "runtime/clock.hpp"
#include "runtime/contract/comparison.hpp"
#include "runtime/outcome.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// Whether `text` is an http:// or https:// URL, as far as one can see.
bool is_http_url(std::string_view text);

/// Sends `asked` to `base`, whose path is put in front, as it is: no redirect is followed, no proxy
/// asked, nothing added but what HTTP needs.
/// @param within for all of it.
/// @errors `invalid`: it is no request for `base`, and was not sent; `unavailable`: nobody answered,
/// or with more than 16 MiB, and why; `deadline_exceeded`.
outcome<contract::actual_response>
send_http(const std::string& base, const contract::actual_request& asked, milliseconds within);

} // namespace troupe
