#include "runtime/gateway/server/document_route.hpp"

#include "runtime/http/fields.hpp"
#include "runtime/ids.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <span>
#include <utility>

namespace troupe::gateway {

namespace {

std::string tag_of(std::string_view text) {
  return fmt::format("\"{:016x}\"", digest_of(std::as_bytes(std::span{text.data(), text.size()})));
}

} // namespace

document_route::document_route(std::string type, std::string text, http::field_list more)
    : type_{std::move(type)}, text_{std::move(text)}, more_{std::move(more)}, tag_{tag_of(text_)} {
}

void document_route::handle(route_request request, const http::responder& answers) {
  http::response answer = is_known_to(request.asked) ? http::response{.status = 304}
                                                     : http::with_body(200, type_, text_);
  answer.fields.insert(answer.fields.end(), more_.begin(), more_.end());
  answer.fields.emplace_back("ETag", tag_);
  answer.fields.emplace_back("Cache-Control", "no-cache");
  answers.respond(std::move(answer));
}

bool document_route::is_known_to(const http::request& asked) const {
  const auto tags = http::list_members(asked.listed("if-none-match"));
  return std::ranges::any_of(tags, [&](std::string_view each) {
    each.remove_prefix(each.starts_with("w/") ? 2 : 0); // A weak tag matches too.
    return each == "*" || each == tag_;
  });
}

} // namespace troupe::gateway
