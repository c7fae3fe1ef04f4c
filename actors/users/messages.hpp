#pragma once

#include "runtime/wire/message.hpp"

#include <optional>
#include <string>

namespace troupe::users {

/// `register`: opens an account. E-mail addresses are visible ASCII, and unique whatever their
/// case. Refused: `email_taken`.
struct register_user {
  std::string email;
  std::string name;
};

TROUPE_MESSAGE(register_user, email, name)

/// `get`. Refused: `unknown_user`.
struct get_user {
  uuid user_id;
};

TROUPE_MESSAGE(get_user, user_id)

/// `update_profile`: changes the fields that are given. Refused: `unknown_user`, `email_taken`.
struct update_profile {
  uuid user_id;
  std::optional<std::string> email;
  std::optional<std::string> name;
};

TROUPE_MESSAGE(update_profile, user_id, email, name)

/// The answer to each operation.
struct user {
  uuid user_id;
  std::string email;
  std::string name;
};

TROUPE_MESSAGE(user, user_id, email, name)

} // namespace troupe::users
