#include "runtime/gateway/server/call_route.hpp"

#include "runtime/http/fields.hpp"
#include "runtime/observe/span_names.hpp"

#include <utility>

namespace troupe::gateway {

namespace {

/// Whether a content type means JSON.
/// @source RFC 8259, 11; RFC 6839, 3.1.
bool is_json(std::string_view content_type) {
  const std::string type =
      http::lower_case(http::trimmed(content_type.substr(0, content_type.find(';'))));
  return type == "application/json" || type.ends_with("+json");
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
    request_traces& traces,
    call_desk& calls,
    call_book& book,
    key_book* keys)
    : options_{std::move(options)}, time_{time}, traces_{traces}, calls_{calls}, book_{book},
      keys_{keys} {
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
    answers.respond(problem_of(message.error(), std::nullopt, options_.rejected));
    return;
  }
  const auto trace = std::make_shared<const traced_request>(
      traces_.begin(asked, request.is_trusted_with_traces, options_.sampling));
  const wish wanted{
      std::move(*message),
      trace,
      wait_preferred(asked.listed("prefer")),
      request_traces::telling(answers, *trace),
      std::move(request.service),
      asked.peer.host,
      request.is_inner};
  if (!options_.changes) {
    ask(wanted);
    return;
  }
  const auto value = asked.field("idempotency-key");
  if (asked.repeats("idempotency-key")) {
    error why = invalid("the request has several Idempotency-Keys; send one");
    why.details.emplace_back("reason", "bad_key");
    refuse(wanted, why);
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
    refuse(wanted, key.error());
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
        refuse(wanted, born.error());
      }
    });
  } else {
    error why = invalid("this gateway takes keys that are UUIDs of version 7 only");
    why.details.emplace_back("reason", "bad_key");
    refuse(wanted, why);
  }
}

void call_route::begin(const wish& wanted, const idempotency_key& key, wall_time born) {
  const auto id = call_id_of(key, born, time_.wall(), options_.inbox_kept);
  if (!id) {
    refuse(wanted, id.error());
  } else {
    change(wanted, *id);
  }
}

void call_route::ask(const wish& wanted) {
  const auto asked =
      call(wanted, std::nullopt, [answers = wanted.answers](const uuid&, http::response answer) {
        answers.respond(std::move(answer));
      });
  if (!asked) {
    refuse(wanted, asked.error());
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
    refuse(wanted, other_request());
    return;
  }
  if (id && book_.knows(*id) && !book_.has_failed(*id)) {
    book_.wait(*id, wanted.answers, hold);
    return;
  }
  const auto called = call(wanted, id, [this](const uuid& call, http::response answer) {
    book_.end(call, std::move(answer));
  });
  if (!called) {
    refuse(wanted, called.error());
    return;
  }
  book_.open(*called, content, wanted.service);
  book_.wait(*called, wanted.answers, hold);
}

outcome<uuid> call_route::call(const wish& wanted, const std::optional<uuid>& id, answered ended) {
  return calls_.call(
      {.capability = options_.capability,
       .operation = options_.operation,
       .body = wanted.message.body,
       .key = wanted.message.key,
       .deadline = deadline_of(options_.deadline, wanted.preferred),
       .id = id,
       .traceparent = wanted.trace->below()},
      [this, trace = wanted.trace, is_inner = wanted.is_inner, ended = std::move(ended)](
          const client::completion& how) {
        http::response answer = answer_to(how);
        end_trace(
            *trace, is_inner, how.id, answer.status, how.answer ? nullptr : &how.answer.error());
        ended(how.id, std::move(answer));
      });
}

/// Records the span of an answered request. A request whose body also went to a legacy system has a
/// span already, and this one is part of it.
void call_route::end_trace(
    const traced_request& which,
    bool is_inner,
    const uuid& call,
    int status,
    const error* why) const {
  traces_.end(
      which,
      {.name = options_.name,
       .route = options_.path,
       .status = status,
       .error = why == nullptr ? std::string_view{} : name_of(why->code),
       .kind = is_inner ? observe::span_kind::internal : observe::span_kind::server,
       .message = call,
       .notes = {
           {observe::names::capability, options_.capability},
           {observe::names::operation, options_.operation}}});
}

http::response call_route::answer_to(const client::completion& ended) const {
  if (!ended.answer) {
    return http::to_response(
        problem_of(for_clients(ended.answer.error()), ended.id, options_.rejected));
  }
  if (options_.status == 204) {
    return {.status = 204};
  }
  auto body = to_json(ended.answer->bytes, options_.all, options_.reply);
  if (body) {
    *body += '\n'; // Makes answers readable in a terminal.
    return http::with_body(options_.status, "application/json", std::move(*body));
  }
  error why = std::move(body.error());
  why.possible = options_.changes ? effect::unknown : effect::none;
  return http::to_response(problem_of(why, ended.id));
}

/// Answers a request for which no call was made.
void call_route::refuse(const wish& wanted, const error& why) const {
  const http::problem told = problem_of(for_clients(why), std::nullopt, options_.rejected);
  end_trace(*wanted.trace, wanted.is_inner, {}, told.status, &why);
  wanted.answers.respond(told);
}

} // namespace troupe::gateway
