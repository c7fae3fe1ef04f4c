#include "actors/users/users.hpp"

#include "runtime/time_text.hpp"

#include <algorithm>

namespace troupe::users {

namespace {

// RFC 5321, 4.5.3.1.3: a path has at most 256 octets, including two angle brackets.
constexpr std::size_t email_bytes_max = 254;
constexpr std::size_t name_bytes_max = 200;

/// The address in its stored and compared form, if mail can be sent to it; only a mail that arrives
/// proves that the address exists.
///
/// Only visible ASCII: with all of Unicode, two addresses that differ in an invisible character or
/// in case would be two accounts that look the same.
outcome<std::string> normal_email(std::string email) {
  const auto at = email.find('@');
  const bool good = email.size() <= email_bytes_max && at != std::string::npos && at > 0
                    && at + 1 < email.size() && email.find('@', at + 1) == std::string::npos
                    && std::ranges::all_of(email, [](char c) { return c > ' ' && c <= '~'; });
  if (!good) {
    return failure{invalid(
        "email: an address NAME@DOMAIN of 254 visible ASCII characters at most is wanted (a domain "
        "of other letters in its form xn--)")};
  }
  std::ranges::transform(email, email.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return email;
}

outcome<void> check_name(const std::string& name) {
  if (name.empty() || name.size() > name_bytes_max) {
    return failure{invalid("name: 1 to 200 bytes are wanted")};
  }
  return {};
}

error email_taken(const std::string& email) {
  return rejected("email_taken", "Somebody else is registered with " + email + ".");
}

error unknown_user(const uuid& id) {
  return rejected("unknown_user", "There is no user " + to_string(id) + ".");
}

} // namespace

users_actor::users_actor(const context&) {
  command(
      "register", [](const register_user& request, turn& turn) { return handle(request, turn); });
  query("get", [](const get_user& request, store::database& session) {
    return handle(request, session);
  });
  command("update_profile", [](const update_profile& request, turn& turn) {
    return handle(request, turn);
  });
}

outcome<user> users_actor::handle(const register_user& request, turn& turn) {
  TROUPE_TRY(auto email, normal_email(request.email));
  TROUPE_CHECK(check_name(request.name));
  const auto added = turn.database().execute(
      "INSERT INTO users (user_id, email, name, created_at) VALUES ($1, $2, $3, $4) "
      "ON CONFLICT (email) DO NOTHING",
      turn.id(),
      email,
      request.name,
      unix_millis(turn.now()));
  if (added == 0) {
    return failure{email_taken(email)};
  }
  return user{turn.id(), std::move(email), request.name};
}

outcome<user> users_actor::handle(const get_user& request, store::database& session) {
  outcome<user> found = failure{unknown_user(request.user_id)};
  session.query(
      "SELECT email, name FROM users WHERE user_id = $1",
      [&](const store::row& row) {
        found = user{request.user_id, std::string{row.text(0)}, std::string{row.text(1)}};
      },
      request.user_id);
  return found;
}

outcome<user> users_actor::handle(const update_profile& request, turn& turn) {
  auto email = request.email;
  if (email) {
    TROUPE_TRY(email, normal_email(std::move(*email)));
  }
  if (request.name) {
    TROUPE_CHECK(check_name(*request.name));
  }
  std::optional<user> changed;
  turn.database().query(
      "UPDATE users SET email = COALESCE($2, email), name = COALESCE($3, name) "
      "WHERE user_id = $1 "
      "AND NOT EXISTS (SELECT 1 FROM users AS other WHERE other.email = $2 AND other.user_id <> "
      "$1) "
      "RETURNING email, name",
      [&](const store::row& row) {
        changed = user{request.user_id, std::string{row.text(0)}, std::string{row.text(1)}};
      },
      request.user_id,
      email,
      request.name);
  if (changed) {
    return *changed;
  }
  const auto known = handle(get_user{request.user_id}, turn.database());
  return failure{known ? email_taken(*email) : known.error()};
}

} // namespace troupe::users
