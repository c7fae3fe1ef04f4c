#pragma once

#include "actors/users/messages.hpp"
#include "runtime/actor/actor.hpp"

namespace troupe::users {

/// The accounts of the shop. A user's id is the id of the call that registered them.
class users_actor final : public actor {
public:
  explicit users_actor(const context& context);

private:
  static outcome<user> handle(const register_user& request, turn& turn);
  static outcome<user> handle(const get_user& request, store::database& session);
  static outcome<user> handle(const update_profile& request, turn& turn);
};

} // namespace troupe::users
