#pragma once

#include "runtime/outcome.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::gateway {

/// A template of paths: "/api/users/{user_id}", "/files/{path*}", "/old/*".
///
/// A variable takes one segment that is not empty. `{NAME*}` and `*` take all that are left, one at
/// least, and stand last; `{NAME*}` gives them joined by slashes. Everything else is taken
/// literally, upper and lower case apart.
class route_path {
public:
  using variables = std::vector<std::pair<std::string, std::string>>;

  /// @errors `invalid`: no slash in front; an empty segment, but for "/" itself; a brace or star
  /// out of place; a name of a variable that is no field's, or comes twice; letters that must be
  /// escaped in a URL; more than 32 segments.
  static outcome<route_path> parse(std::string_view text);

  const std::string& text() const { return text_; }

  /// The names of the variables, from left to right.
  std::vector<std::string> names() const;

  /// The values of the variables, if the template takes a path of these segments, decoded.
  std::optional<variables> match(const std::vector<std::string>& path) const;

  /// Whether some path is taken by both.
  bool overlaps(const route_path& other) const;

private:
  enum class kind : std::uint8_t { literal, variable, rest };

  struct segment {
    kind is = kind::literal;
    /// The literal, or the name of the variable; empty for `*`.
    std::string text;
  };

  static outcome<segment> parse_segment(std::string_view text, bool is_last);

  bool has_rest() const { return !segments_.empty() && segments_.back().is == kind::rest; }

  std::string text_;
  std::vector<segment> segments_;
};

} // namespace troupe::gateway
