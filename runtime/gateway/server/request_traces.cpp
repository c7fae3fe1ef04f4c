#include "runtime/gateway/server/request_traces.hpp"

#include "runtime/bytes.hpp"
#include "runtime/gateway/server/brought_trace.hpp"
#include "runtime/http/fields.hpp"
#include "runtime/observe/span_names.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <memory>

namespace troupe::gateway {

namespace {

/// Adds `traceresponse` to an answer.
class traced_exchange final : public http::exchange {
public:
  traced_exchange(http::responder to, std::string trace)
      : to_{std::move(to)}, trace_{std::move(trace)} {}

  bool respond(http::response answer) override {
    // A legacy system may have sent a `traceresponse` of its own.
    std::erase_if(answer.fields, [](const auto& field) {
      return http::lower_case(field.first) == "traceresponse";
    });
    answer.fields.emplace_back("Traceresponse", trace_);
    return to_.respond(std::move(answer));
  }

  http::stream open_stream(http::response head, http::stream_listener listener) override {
    return to_.open_stream(std::move(head), std::move(listener));
  }

private:
  const http::responder to_;
  const std::string trace_;
};

} // namespace

std::string traced_request::below() const {
  return is_recorded ? observe::trace_text({trace, span, true}, text) : text;
}

traced_request request_traces::begin(
    const http::request& asked, bool is_trusted, const observe::sampling& sampling) {
  traced_request made;
  made.began = time_.now();
  made.method = asked.method;
  made.path = asked.target.raw.substr(0, asked.target.raw.find('?'));
  made.text = brought_trace(asked, is_trusted, sampling);
  const bool is_root = made.text.empty();
  if (is_root) {
    made.text = new_trace(sampling);
  }
  if (const auto above = observe::read_trace(made.text)) {
    made.trace = above->trace;
    made.parent = is_root ? 0 : above->span;
    made.span = is_root ? above->span : new_id();
    made.is_recorded = sampling.takes(made.text, above->trace);
  }
  return made;
}

traced_request request_traces::begin_below(const traced_request& above) {
  traced_request made = above;
  made.began = time_.now();
  made.parent = above.span;
  made.span = above.span == 0 ? 0 : new_id();
  return made;
}

void request_traces::end(const traced_request& which, const request_end& how) {
  const instant::duration took = time_.now() - which.began;
  const bool has_failed = how.status >= 500;
  if (!which.is_recorded && !has_failed && took <= observe::slow_from) {
    return;
  }
  observe::span made;
  made.kind = how.kind;
  made.has_failed = has_failed;
  made.trace = which.span == 0 ? how.message : which.trace;
  made.parent = which.parent;
  made.id = which.span == 0 ? new_id() : which.span;
  made.duration = took.count();
  made.start =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time_.wall().time_since_epoch()).count()
      - made.duration;
  if (made.trace == uuid{}) {
    // The request did not become a message, so it gets a trace of its own.
    made.trace = new_trace_id();
  }
  made.set_name(how.name, observe::fields_of(which.text).tracestate);
  namespace names = observe::names;
  made.note(names::http_method, http::name_of(which.method));
  if (!how.route.empty()) {
    made.note(names::http_route, how.route);
  }
  if (how.status != 0) {
    made.note(names::http_status, fmt::to_string(how.status));
  }
  if (how.message != uuid{}) {
    made.note(names::message_id, to_string(how.message));
  }
  if (!how.error.empty()) {
    made.note(names::error, how.error);
  } else if (has_failed) {
    made.note(names::error, fmt::to_string(how.status));
  }
  for (const auto& [key, value] : how.notes) {
    made.note_or_count(key, value);
  }
  made.note_or_count(names::url_path, which.path);
  made.note_lost();
  const std::lock_guard lock{mutex_};
  ring_.add(made);
}

http::responder request_traces::telling(http::responder to, const traced_request& which) {
  if (which.span == 0) {
    return to;
  }
  return http::responder{std::make_shared<traced_exchange>(
      std::move(to), observe::trace_text({which.trace, which.span, which.is_recorded}))};
}

std::uint64_t request_traces::new_id() {
  const std::lock_guard lock{mutex_};
  return ring_.new_id();
}

uuid request_traces::new_trace_id() {
  std::string bytes;
  append_big_endian(bytes, new_id());
  append_big_endian(bytes, new_id());
  uuid made;
  std::memcpy(made.bytes.data(), bytes.data(), made.bytes.size());
  return made;
}

/// Makes the trace of a request that has none. An unrecorded trace is passed on too, so that no
/// service behind the gateway decides anew. Empty if sampling is off.
std::string request_traces::new_trace(const observe::sampling& sampling) {
  if (sampling.is_off()) {
    return {};
  }
  observe::trace_context made;
  made.trace = new_trace_id();
  made.span = new_id();
  made.is_recorded = sampling.takes(made.trace);
  return observe::trace_text(made);
}

void set_trace(http::request& to, std::string_view text) {
  std::erase_if(to.fields, [](const auto& field) {
    return field.first == "traceparent" || field.first == "tracestate";
  });
  const auto [parent, state] = observe::fields_of(text);
  if (!parent.empty()) {
    to.fields.emplace_back("traceparent", parent);
  }
  if (!state.empty()) {
    to.fields.emplace_back("tracestate", state);
  }
}

} // namespace troupe::gateway
