#include "runtime/worker/effect_spans.hpp"

#include "runtime/observe/span_names.hpp"

#include <fmt/format.h>

namespace troupe {

std::unique_ptr<observe::open_span> effect_spans::begin(const store::effect_row& row) {
  const auto above =
      observe::says_recorded(row.trace) ? observe::read_trace(row.trace) : std::nullopt;
  if (!above) {
    return nullptr;
  }
  auto made = std::make_unique<observe::open_span>();
  made->record.trace = above->trace;
  made->record.parent = above->span;
  made->record.id = ring_.new_id();
  made->context = observe::trace_text({above->trace, made->record.id, true}, row.trace);
  return made;
}

void effect_spans::end(
    const tried& which, const outcome<std::string>& result, std::chrono::nanoseconds took) {
  const bool has_failed = !result && is_momentary(result.error());
  if (which.begun == nullptr && !has_failed && took <= observe::slow_from) {
    return;
  }
  observe::span record;
  if (which.begun != nullptr) {
    record = which.begun->record;
  } else {
    const auto above =
        observe::read_trace(which.row.trace).value_or(observe::root_of(which.row.call));
    record.trace = above.trace;
    record.parent = above.span;
    record.id = ring_.new_id();
  }
  record.kind = observe::span_kind::client;
  record.has_failed = has_failed;
  record.duration = took.count();
  record.start = std::chrono::duration_cast<std::chrono::nanoseconds>(
                     group_.parts().time.wall().time_since_epoch())
                     .count()
                 - record.duration;
  record.set_name(
      fmt::format("{} effect {}", group_.name(), which.row.name),
      observe::fields_of(which.row.trace).tracestate);
  record.note(observe::names::capability, group_.name());
  record.note(observe::names::effect_key, to_string(which.row.key));
  record.note(observe::names::message_id, to_string(which.row.call));
  record.note(observe::names::attempt, fmt::to_string(which.attempt));
  if (!result) {
    record.note(observe::names::error, name_of(result.error().code));
  }
  ring_.add(record);
}

} // namespace troupe
