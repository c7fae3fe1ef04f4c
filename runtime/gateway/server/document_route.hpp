#pragma once

#include "runtime/gateway/server/route_handler.hpp"

#include <string>

namespace troupe::gateway {

/// A route whose answer stays the same as long as the process lives, such as a description of the
/// routes. Caches ask each time whether it changed, by its ETag, and get 304 if not.
/// @source RFC 9110, 8.8.3 and 13.1.2; RFC 9111, 5.2.2.4.
class document_route final : public route_handler {
public:
  /// @param type the Content-Type. @param more fields of each answer.
  document_route(std::string type, std::string text, http::field_list more = {});

  void handle(route_request request, const http::responder& answers) override;

private:
  bool is_known_to(const http::request& asked) const;

  const std::string type_;
  const std::string text_;
  const http::field_list more_;
  /// The tag, with its quotes.
  const std::string tag_;
};

} // namespace troupe::gateway
