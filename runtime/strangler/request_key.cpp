#include "runtime/strangler/request_key.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace troupe::strangler {

namespace {

/// The value of the first cookie called `name` in the Cookie fields.
/// @source RFC 6265, 4.2.1 and 5.4.
std::optional<std::string_view> cookie_in(const http::request& asked, std::string_view name) {
  for (const auto& [field, value] : asked.fields) {
    if (field != "cookie") {
      continue;
    }
    std::string_view left = value;
    while (!left.empty()) {
      const std::size_t end = std::min(left.find(';'), left.size());
      const std::string_view pair = http::trimmed(left.substr(0, end));
      left.remove_prefix(std::min(end + 1, left.size()));
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
        return pair.substr(name.size() + 1);
      }
    }
  }
  return std::nullopt;
}

} // namespace

outcome<request_key> request_key::parse(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, place>, 4> places{
      {{"{header.", place::header},
       {"{cookie.", place::cookie},
       {"{query.", place::query},
       {"{path.", place::path}}};
  for (const auto& [begin, where] : places) {
    if (!text.starts_with(begin) || !text.ends_with('}')) {
      continue;
    }
    const std::string_view name = text.substr(begin.size(), text.size() - begin.size() - 1);
    if (http::is_token(name)) {
      return request_key{
          where, where == place::header ? http::lower_case(name) : std::string{name}};
    }
  }
  return failure{invalid(fmt::format(
      "`{}` names nothing of a request; write {{header.NAME}}, {{cookie.NAME}}, {{query.NAME}} or "
      "{{path.NAME}}",
      text))};
}

std::optional<std::string>
request_key::value_in(const http::request& asked, const variables& path) const {
  std::optional<std::string_view> found;
  switch (where_) {
  case place::header:
    found = asked.field(name_);
    break;
  case place::cookie:
    found = cookie_in(asked, name_);
    break;
  case place::query:
    found = asked.parameter(name_);
    break;
  case place::path:
    found = http::find(path, name_);
    break;
  }
  return found && !found->empty() ? std::optional<std::string>{*found} : std::nullopt;
}

} // namespace troupe::strangler
