#include "runtime/gateway/route_path.hpp"

#include "runtime/contains.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::gateway {

namespace {

constexpr std::size_t segments_max = 32;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name(std::string_view text) {
  const auto is_inner = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
  return !text.empty() && !is_digit(text.front()) && std::ranges::all_of(text, is_inner);
}

/// Whether `c` is literal in a route path.
/// @source RFC 3986, 3.3, without "*" and the escapes.
bool is_plain(char c) {
  return is_letter(c) || is_digit(c)
         || std::string_view{"-._~!$&'()+,;=:@"}.find(c) != std::string_view::npos;
}

} // namespace

outcome<route_path> route_path::parse(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return failure{invalid(fmt::format("the path `{}` {}", text, what))};
  };
  if (text.empty() || text.front() != '/') {
    return wrong("does not begin with a slash");
  }
  route_path made;
  made.text_ = text;
  bool is_last = text == "/";
  for (std::string_view rest = text.substr(1); !is_last;) {
    const std::size_t end = rest.find('/');
    is_last = end == std::string_view::npos;
    auto part = parse_segment(rest.substr(0, end), is_last);
    if (!part) {
      return wrong(part.error().message);
    }
    const auto known = made.names();
    if (part->is != kind::literal && !part->text.empty() && contains(known, part->text)) {
      return wrong(fmt::format("has the variable `{}` twice", part->text));
    }
    made.segments_.push_back(std::move(*part));
    if (made.segments_.size() > segments_max) {
      return wrong(fmt::format("has more than {} segments", segments_max));
    }
    rest.remove_prefix(is_last ? rest.size() : end + 1);
  }
  return made;
}

outcome<route_path::segment> route_path::parse_segment(std::string_view text, bool is_last) {
  if (text.empty()) {
    return failure{invalid("has an empty segment")};
  }
  if (text == "." || text == "..") {
    return failure{invalid("has a segment `.` or `..`, which no request keeps")};
  }
  segment made{.is = kind::literal, .text = std::string{text}};
  if (text == "*") {
    made = {.is = kind::rest, .text = {}};
  } else if (text.front() == '{' && text.back() == '}') {
    text = text.substr(1, text.size() - 2);
    made.is = text.ends_with('*') ? kind::rest : kind::variable;
    text.remove_suffix(made.is == kind::rest ? 1 : 0);
    made.text = text;
    if (!is_name(text)) {
      return failure{invalid(fmt::format("has a variable `{}`, which is no field's name", text))};
    }
  } else if (!std::ranges::all_of(text, is_plain)) {
    return failure{invalid(fmt::format(
        "has the segment `{}`; a variable is a whole segment {{NAME}}, and other letters are a-z "
        "A-Z 0-9 and - . _ ~ ! $ & ' ( ) + , ; = : @",
        text))};
  }
  if (made.is == kind::rest && !is_last) {
    return failure{invalid("goes on behind `*`, which takes all that is left")};
  }
  return made;
}

std::vector<std::string> route_path::names() const {
  std::vector<std::string> found;
  for (const segment& each : segments_) {
    if (each.is != kind::literal && !each.text.empty()) {
      found.push_back(each.text);
    }
  }
  return found;
}

std::optional<route_path::variables> route_path::match(const std::vector<std::string>& path) const {
  if (has_rest() ? path.size() < segments_.size() : path.size() != segments_.size()) {
    return std::nullopt;
  }
  variables found;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const segment& each = segments_[i];
    if (each.is == kind::rest) {
      if (!each.text.empty()) {
        const auto from = path.begin() + static_cast<std::ptrdiff_t>(i);
        found.emplace_back(each.text, fmt::format("{}", fmt::join(from, path.end(), "/")));
      }
    } else if (each.is == kind::literal ? path[i] != each.text : path[i].empty()) {
      return std::nullopt;
    } else if (each.is == kind::variable) {
      found.emplace_back(each.text, path[i]);
    }
  }
  return found;
}

bool route_path::overlaps(const route_path& other) const {
  for (std::size_t i = 0; i < segments_.size() && i < other.segments_.size(); ++i) {
    const segment& here = segments_[i];
    const segment& there = other.segments_[i];
    if (here.is == kind::rest || there.is == kind::rest) {
      return true;
    }
    if (here.is == kind::literal && there.is == kind::literal && here.text != there.text) {
      return false;
    }
  }
  return segments_.size() == other.segments_.size();
}

} // namespace troupe::gateway
