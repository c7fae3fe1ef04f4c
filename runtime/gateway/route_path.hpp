#pragma once

#include "runtime/outcome.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::gateway {

/// A path template: "/api/users/{user_id}", "/files/{path*}", "/old/*".
///
/// A variable takes one segment that is not empty. `{NAME*}` and `*` take all remaining ones, at
/// least one, and must be last; `{NAME*}` gives them joined by slashes. Everything else is literal
/// and case-sensitive.
class route_path {
public:
  using variables = std::vector<std::pair<std::string, std::string>>;

  /// @errors `invalid`: no slash at the start; an empty segment, except "/" itself; a misplaced
  /// brace or star; a variable whose name cannot be a field's, or comes twice; letters that must be
  /// escaped in a URL; more than 32 segments.
  static outcome<route_path> parse(std::string_view text);

  const std::string& text() const { return text_; }

  /// The names of the variables, from left to right.
  std::vector<std::string> names() const;

  /// The values of the variables, decoded, if the template matches a path of these segments.
  std::optional<variables> match(const std::vector<std::string>& path) const;

  /// Whether some path matches both.
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
