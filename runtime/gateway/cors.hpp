#pragma once

#include "runtime/http/request.hpp"
#include "runtime/http/response.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::gateway {

/// The rules that let pages of other sites read answers.
/// @source https://fetch.spec.whatwg.org, "HTTP extensions" of the CORS protocol.
class cors {
public:
  explicit cors(std::vector<std::string> origins) : origins_{std::move(origins)} {}

  /// The fields to add to the answer to `asked`, whatever the answer is.
  http::field_list fields_for(const http::request& asked) const {
    return fields_for(asked.field("origin").value_or(""));
  }

  /// The same, for an answer to a request with this Origin; empty if the request has none.
  http::field_list fields_for(std::string_view origin) const;

  /// Whether, by the browser's own fields, the request comes from a page of another site that may
  /// not read answers. Such a page can send simple requests all the same. @source
  /// https://www.w3.org/TR/fetch-metadata, "Sec-Fetch-Site".
  bool refuses_site_of(const http::request& asked) const;

  /// The answer to an OPTIONS of a path that has routes for `allow`; as a preflight, if it is one.
  static http::response answer_options(const http::request& asked, const std::string& allow);

private:
  bool names(std::string_view origin) const;

  std::vector<std::string> origins_;
};

} // namespace troupe::gateway
