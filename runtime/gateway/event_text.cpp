#include "runtime/gateway/event_text.hpp"

#include "runtime/wire/events.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace troupe::gateway {

namespace {

std::string data_of(const wire::read_event& event, const std::vector<event_type>& known) {
  const std::string_view bytes = event.body.bytes;
  const auto type = std::ranges::find_if(
      known, [&](const event_type& each) { return wire::matches(each.pattern, event.topic); });
  if (type != known.end()) {
    if (auto json = to_json(bytes, type->all, type->name)) {
      return std::move(*json);
    }
  }
  // Events of other publishers may not match the known type; send them as they are.
  return wire::json_of(bytes);
}

} // namespace

std::string event_text(const wire::read_event& event, const std::vector<event_type>& known) {
  return fmt::format(
      "id: {}\nevent: {}\ndata: {}\n\n", event.position, event.topic, data_of(event, known));
}

std::string notice_text(std::string_view name, std::string_view data, std::uint64_t position) {
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", position, name, data);
}

std::string place_text(std::uint64_t position) {
  return fmt::format(":\nid: {}\n\n", position);
}

std::optional<std::uint64_t> position_in(std::string_view last_event_id) {
  std::uint64_t position = 0;
  const char* const end = last_event_id.data() + last_event_id.size();
  const auto [stopped, wrong] = std::from_chars(last_event_id.data(), end, position);
  return wrong == std::errc{} && stopped == end ? std::optional{position} : std::nullopt;
}

} // namespace troupe::gateway
