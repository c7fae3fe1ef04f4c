#include "runtime/observe/event_log.hpp"

#include "runtime/characters.hpp"
#include "runtime/observe/log_level.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace troupe::observe {

namespace {

// Bytes of a value that are shown, so that a peer cannot fill the log with one name.
constexpr std::size_t value_bytes_max = 4'096;

std::string cut(const std::string& value) {
  return value.size() <= value_bytes_max
             ? value
             : fmt::format("{}... ({} bytes)", value.substr(0, value_bytes_max), value.size());
}

/// The capability that a line is about; empty without one.
std::string_view capability_in(const log_fields& fields) {
  const auto found =
      std::ranges::find_if(fields, [](const auto& each) { return each.first == "capability"; });
  return found == fields.end() ? std::string_view{} : found->second;
}

bool needs_quotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \"=") != std::string_view::npos
         || !is_all_shown(text);
}

/// Escapes characters that terminals and log readers interpret. JSON itself requires this only
/// below U+0020; U+0085, U+009B, U+2028 and U+202E are examples of others.
std::string made_visible(std::string json) {
  if (is_all_shown(json)) {
    return json;
  }
  std::string made;
  for (std::string_view rest = json; !rest.empty();) {
    const character next = first_character(rest);
    if (next.is_shown()) {
      made += rest.substr(0, next.bytes);
    } else if (next.code < 0x10000) {
      made += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(next.code));
    } else { // A surrogate pair, as in JSON.
      const auto code = static_cast<std::uint32_t>(next.code) - 0x10000;
      made += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (code >> 10U), 0xdc00 + (code & 0x3ffU));
    }
    rest.remove_prefix(next.bytes);
  }
  return made;
}

} // namespace

event_log::event_log(const clock& time, std::string node, log_format format)
    : time_{time}, node_{std::move(node)}, format_{format},
      is_for_journal_{is_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM"))},
      output_{STDERR_FILENO} {
}

event_log::~event_log() {
  tell_left_out(time_.now(), true);
}

void event_log::write(std::string_view event, const log_fields& fields) {
  const instant now = time_.now();
  const std::lock_guard lock{mutex_};
  tell_left_out(now, false);
  if (rates_.takes(event, capability_in(fields), now)) {
    put(event, fields);
  }
}

void event_log::tell_left_out() {
  const instant now = time_.now();
  const std::lock_guard lock{mutex_};
  tell_left_out(now, false);
}

void event_log::tell_left_out(instant now, bool is_end) {
  for (const line_rates::left_out& each : rates_.take_left_out(now, is_end)) {
    log_fields fields{{"of", each.event}, {"count", std::to_string(each.count)}};
    if (!each.capability.empty()) {
      fields.emplace_back("capability", each.capability);
    }
    put("log.left_out", fields);
  }
}

void event_log::put(std::string_view event, const log_fields& fields) {
  if (lost_ != 0 && output_.write(line_of("log.lines_lost", {{"count", std::to_string(lost_)}}))) {
    lost_ = 0;
  }
  lost_ += lost_ == 0 && output_.write(line_of(event, fields)) ? 0U : 1U;
}

std::string event_log::line_of(std::string_view event, const log_fields& fields) const {
  const log_level level = level_of(event);
  std::string line = is_for_journal_ ? fmt::format("<{}>", static_cast<int>(level)) : "";
  const std::string at = utc_time_text(time_.wall());
  if (format_ == log_format::json) {
    wire::json_object object;
    // A field "node" names the node that the line is about, and replaces the writer's own name.
    const auto about =
        std::ranges::find_if(fields, [](const auto& each) { return each.first == "node"; });
    object.add("at", at)
        .add("node", about == fields.end() ? node_ : cut(about->second))
        .add("level", name_of(level))
        .add("event", event);
    for (const auto& [name, value] : fields) {
      if (name != "node") {
        object.add(name, cut(value));
      }
    }
    line += made_visible(object.text());
  } else {
    line += fmt::format("{} {} {}", at, node_, event);
    for (const auto& [name, value] : fields) {
      // Quoted as JSON text if needed, so that no value can forge another line.
      const std::string text = cut(value);
      line += fmt::format(
          " {}={}", name, needs_quotes(text) ? made_visible(wire::json_text(text)) : text);
    }
  }
  return line += '\n';
}

bool is_journal(int descriptor, const char* stream) {
  struct stat about {};

  return stream != nullptr && ::fstat(descriptor, &about) == 0
         && fmt::format("{}:{}", about.st_dev, about.st_ino) == stream;
}

} // namespace troupe::observe
