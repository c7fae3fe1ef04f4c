#include "runtime/observe/event_log.hpp"

#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <utility>

namespace troupe::observe {

namespace {

bool needs_quotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \"=\n\r\t") != std::string_view::npos;
}

} // namespace

event_log::event_log(const clock& time, std::string node, log_format format)
    : time_{time}, node_{std::move(node)}, format_{format} {
}

void event_log::write(std::string_view event, const log_fields& fields) {
  std::string line;
  const std::string at = utc_time_text(time_.wall());
  if (format_ == log_format::json) {
    wire::json_object object;
    // A field "node" names the node that the line is about, in place of the writer's own name.
    const auto about = std::find_if(
        fields.begin(), fields.end(), [](const auto& each) { return each.first == "node"; });
    object.add("at", at)
        .add("node", about == fields.end() ? node_ : about->second)
        .add("event", event);
    for (const auto& [name, value] : fields) {
      if (name != "node") {
        object.add(name, value);
      }
    }
    line = object.text();
  } else {
    line = fmt::format("{} {} {}", at, node_, event);
    for (const auto& [name, value] : fields) {
      // Quoted as JSON text where it has to be, so that no value can forge another line.
      line += fmt::format(" {}={}", name, needs_quotes(value) ? wire::json_text(value) : value);
    }
  }
  line += '\n';
  const std::lock_guard lock{mutex_};
  std::fwrite(line.data(), 1, line.size(), stderr);
}

} // namespace troupe::observe
