#include "runtime/gateway/server/call_route.hpp"

#include "runtime/bytes.hpp"
#include "runtime/gateway/server/request_trace.hpp"
#include "runtime/http/fields.hpp"
#include "runtime/observe/span_names.hpp"

#include <cstring>
#include <fmt/format.h>
#include <utility>

namespace troupe::gateway {

namespace {

/// Whether a body is said to be JSON. @source RFC 8259, 11; RFC 6839, 3.1.
bool is_json(std::string_view content_type) {
  const std::string type =
      http::lower_case(http::trimmed(content_type.substr(0, content_type.find(';'))));
  return type == "application/json" || type.ends_with("+json");
}

/// Adds `traceresponse` to an answer, so that whoever asked can say which trace it was.
/// @source W3C Trace Context level 2 (draft of 2021), "Traceresponse Header".
class traced_exchange final : public http::exchange {
public:
  traced_exchange(http::responder to, std::string trace)
      : to_{std::move(to)}, trace_{std::move(trace)} {}

  bool respond(http::response answer) override {
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

http::responder telling_trace(http::responder to, const observe::trace_context& of) {
  return http::responder{std::make_shared<traced_exchange>(std::move(to), observe::trace_text(of))};
}

error other_request() {
  error why{
      .code = errc::conflict,
      .message = "this Idempotency-Key was used for another request; use a new one for a new "
                 "request"};
  why.details.emplace_back("reason", "id_reused");
  return why;
}

} // namespace

call_route::call_route(
    call_route_options options,
    const clock& time,
    call_desk& calls,
    call_book& book,
    key_book* keys)
    : options_{std::move(options)}, time_{time}, calls_{calls}, book_{book}, keys_{keys} {
}

void call_route::handle(route_request request, const http::responder& answers) {
  const http::request& asked = request.asked;
  if (!asked.body.empty() && !is_json(asked.field("content-type").value_or(""))) {
    answers.respond(http::problem{
        415, "unsupported_media_type", "send JSON, with Content-Type: application/json"});
    return;
  }
  if (options_.changes && request.is_of_other_site) {
    answers.respond(http::problem{
        403, "forbidden", "a page of another site asks, whose origin `cors` does not name"});
    return;
  }
  auto message =
      message_of(asked, request.variables, options_.all, options_.request, options_.key_field);
  if (!message) {
    refuse(answers, message.error());
    return;
  }
  std::string trace = trace_in(
      asked, request.is_trusted_with_traces || !request.service.empty(), options_.sampling);
  const bool is_root = trace.empty();
  if (is_root) {
    trace = new_trace();
  }
  const auto above = observe::read_trace(trace);
  const std::uint64_t span = !above || options_.spans == nullptr ? 0
                             : is_root                           ? above->span
                                                                 : options_.spans->new_id();
  const wish wanted{
      std::move(*message),
      std::move(trace),
      is_root,
      span,
      wait_preferred(asked.listed("prefer")),
      span == 0 ? answers : telling_trace(answers, {above->trace, span, above->is_recorded}),
      std::move(request.service),
      asked.peer.host};
  if (!options_.changes) {
    ask(wanted);
    return;
  }
  const auto value = asked.field("idempotency-key");
  if (asked.repeats("idempotency-key")) {
    error why = invalid("the request has several Idempotency-Keys; send one");
    why.details.emplace_back("reason", "bad_key");
    refuse(answers, why);
    return;
  }
  if (!value && options_.wants_key) {
    answers.respond(http::problem{
        400,
        "key_missing",
        "this route wants an Idempotency-Key: a new UUID for each new request, the same for its "
        "repeats"});
    return;
  }
  if (!value) {
    change(wanted, std::nullopt);
    return;
  }
  const auto key = read_key(*value, {.principal = wanted.service, .route = options_.name});
  if (!key) {
    refuse(answers, key.error());
  } else {
    change_under(wanted, *key);
  }
}

void call_route::change_under(const wish& wanted, const idempotency_key& key) {
  if (key.born) {
    begin(wanted, key, *key.born);
  } else if (keys_ != nullptr) {
    keys_->first_use(key.hash, wanted.client, [this, wanted, key](const outcome<wall_time>& born) {
      if (born) {
        begin(wanted, key, *born);
      } else {
        refuse(wanted.answers, born.error());
      }
    });
  } else {
    error why = invalid("this gateway takes keys that are UUIDs of version 7 only");
    why.details.emplace_back("reason", "bad_key");
    refuse(wanted.answers, why);
  }
}

void call_route::begin(const wish& wanted, const idempotency_key& key, wall_time born) {
  const auto id = call_id_of(key, born, time_.wall(), options_.inbox_kept);
  if (!id) {
    refuse(wanted.answers, id.error());
  } else {
    change(wanted, *id);
  }
}

void call_route::ask(const wish& wanted) {
  const auto asked =
      call(wanted, std::nullopt, [this, answers = wanted.answers](const auto& ended) {
        answers.respond(answer_to(ended));
      });
  if (!asked) {
    refuse(wanted.answers, asked.error());
  }
}

void call_route::change(const wish& wanted, const std::optional<uuid>& id) {
  const std::string& body = wanted.message.body;
  const std::uint64_t content = digest_of(std::as_bytes(std::span{body.data(), body.size()}));
  const auto hold =
      wanted.preferred.comes_again
          ? std::optional<milliseconds>{wanted.preferred.wait.value_or(std::chrono::seconds{0})}
          : std::nullopt;
  if (id && book_.knows(*id) && !book_.asks_for(*id, content)) {
    refuse(wanted.answers, other_request());
    return;
  }
  if (id && book_.knows(*id) && !book_.has_failed(*id)) {
    book_.wait(*id, wanted.answers, hold);
    return;
  }
  const auto called =
      call(wanted, id, [this](const auto& ended) { book_.end(ended.id, answer_to(ended)); });
  if (!called) {
    refuse(wanted.answers, called.error());
    return;
  }
  book_.open(*called, content, wanted.service);
  book_.wait(*called, wanted.answers, hold);
}

outcome<uuid>
call_route::call(const wish& wanted, const std::optional<uuid>& id, call_desk::listener ended) {
  const auto span = std::shared_ptr<observe::open_span>{begin_span(wanted)};
  if (span) {
    ended = [this, span, began = time_.now(), ended = std::move(ended)](const auto& how) {
      end_span(span->record, began, how);
      ended(how);
    };
  }
  return calls_.call(
      {.capability = options_.capability,
       .operation = options_.operation,
       .body = wanted.message.body,
       .key = wanted.message.key,
       .deadline = deadline_of(options_.deadline, wanted.preferred),
       .id = id,
       .traceparent = span ? span->context : wanted.trace},
      std::move(ended));
}

/// The trace of a request that brought none: also if it is not recorded, so that nobody behind the
/// gateway decides anew. Empty where none is recorded ever.
std::string call_route::new_trace() const {
  if (options_.sampling.is_off() || options_.spans == nullptr) {
    return {};
  }
  observe::trace_context made;
  std::string bytes;
  append_big_endian(bytes, options_.spans->new_id());
  append_big_endian(bytes, options_.spans->new_id());
  std::memcpy(made.trace.bytes.data(), bytes.data(), made.trace.bytes.size());
  made.span = options_.spans->new_id();
  made.is_recorded = options_.sampling.takes(made.trace);
  return observe::trace_text(made);
}

/// The span of a request, if its trace is recorded. Where the trace begins here, it has the number
/// that the trace names.
std::unique_ptr<observe::open_span> call_route::begin_span(const wish& wanted) const {
  const auto above = observe::read_trace(wanted.trace);
  if (options_.spans == nullptr || !above || !options_.sampling.takes(wanted.trace, above->trace)) {
    return nullptr;
  }
  auto made = std::make_unique<observe::open_span>();
  made->record.kind = observe::span_kind::server;
  made->record.trace = above->trace;
  made->record.parent = wanted.is_root ? 0 : above->span;
  made->record.id = wanted.span;
  made->record.set_name(options_.name);
  made->record.note(observe::names::http_route, options_.name);
  made->record.note(observe::names::capability, options_.capability);
  made->record.note(observe::names::operation, options_.operation);
  made->context = observe::trace_text({above->trace, made->record.id, true}, wanted.trace);
  return made;
}

void call_route::end_span(
    observe::span& record, instant began, const client::completion& ended) const {
  record.duration = (time_.now() - began).count();
  record.start =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time_.wall().time_since_epoch()).count()
      - record.duration;
  record.note(observe::names::message_id, to_string(ended.id));
  if (!ended.answer) {
    const errc code = ended.answer.error().code;
    record.note(observe::names::error, name_of(code));
    record.has_failed =
        problem_of(ended.answer.error(), std::nullopt, options_.rejected).status >= 500;
  }
  options_.spans->add(record);
}

http::response call_route::answer_to(const client::completion& ended) const {
  if (!ended.answer) {
    return http::to_response(problem_of(ended.answer.error(), ended.id, options_.rejected));
  }
  if (options_.status == 204) {
    return {.status = 204};
  }
  auto body = to_json(ended.answer->bytes, options_.all, options_.reply);
  if (body) {
    *body += '\n'; // For terminals.
    return http::with_body(options_.status, "application/json", std::move(*body));
  }
  error why = std::move(body.error());
  why.possible = options_.changes ? effect::unknown : effect::none;
  return http::to_response(problem_of(why, ended.id));
}

void call_route::refuse(const http::responder& answers, const error& why) const {
  answers.respond(problem_of(why, std::nullopt, options_.rejected));
}

} // namespace troupe::gateway
