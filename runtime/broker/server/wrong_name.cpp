#include "runtime/broker/server/wrong_name.hpp"

#include <fmt/format.h>

namespace troupe::broker {

std::optional<error> wrong_name(const wire::hello& who, std::string_view user) {
  if (user.empty() && who.role == "worker") {
    return error{
        .code = errc::unauthenticated,
        .message = "workers log in where links have keys (`listen` of the broker), with their own"};
  }
  if (!user.empty() && user != who.node) {
    return error{
        .code = errc::forbidden,
        .message = fmt::format(
            "`node` in HELLO is `{}`, and the connection has the key of `{}`; say that name",
            who.node,
            user)};
  }
  return std::nullopt;
}

} // namespace troupe::broker
