#pragma once

#include "runtime/http/request.hpp"
#include "runtime/outcome.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::strangler {

/// The part of a request that names the user: "{header.x-user}", "{cookie.session}", "{query.user}"
/// or "{path.user_id}".
class request_key {
public:
  /// Names nothing.
  request_key() = default;

  /// The variables of a route with their values.
  using variables = std::vector<std::pair<std::string, std::string>>;

  /// @errors `invalid`: another form, or an impossible name.
  static outcome<request_key> parse(std::string_view text);

  /// The path variable that it is, if it is one.
  std::optional<std::string> path_variable() const {
    return where_ == place::path ? std::optional{name_} : std::nullopt;
  }

  /// The value in `asked`, or nothing if it is not there or empty.
  std::optional<std::string> value_in(const http::request& asked, const variables& path = {}) const;

private:
  enum class place : std::uint8_t { header, cookie, query, path };

  request_key(place where, std::string name) : where_{where}, name_{std::move(name)} {}

  place where_ = place::header;
  std::string name_;
};

} // namespace troupe::strangler
