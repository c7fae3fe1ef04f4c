#include "actors/echo/echo.hpp"
#include "actors/inventory/inventory.hpp"
#include "actors/inventory/schema.hpp"
#include "actors/notes/notes.hpp"
#include "actors/notes/options.hpp"
#include "actors/notes/schema.hpp"
#include "actors/notifications/notifications.hpp"
#include "actors/notifications/schema.hpp"
#include "actors/order_saga/order_saga.hpp"
#include "actors/orders/orders.hpp"
#include "actors/orders/schema.hpp"
#include "actors/payments/payments.hpp"
#include "actors/payments/schema.hpp"
#include "actors/users/schema.hpp"
#include "actors/users/users.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/reconciler/reconciliation_actor.hpp"

#ifdef TROUPE_FAULTS
#include "actors/faulty/faulty.hpp"
#include "actors/faulty/messages.hpp"
#include "actors/faulty/schema.hpp"
#include "actors/witness/messages.hpp"
#include "actors/witness/schema.hpp"
#include "actors/witness/witness.hpp"
#endif

namespace troupe {

std::vector<actor_type> registered_types() {
  return {
#ifdef TROUPE_FAULTS
      type_of<faulty::faulty_actor, faulty::faulty_options>("faulty", faulty::schema),
      type_of<witness::witness_actor, witness::witness_options>("witness", witness::schema),
#endif
      type_of<echo::echo_actor>("echo"),
      type_of<notes::notes_actor, notes::notes_options>("notes", notes::schema),
      type_of<users::users_actor>("users", users::schema),
      type_of<inventory::inventory_actor, inventory::inventory_options>(
          "inventory", inventory::schema),
      type_of<payments::payments_actor, payments::payments_options>("payments", payments::schema),
      type_of<orders::orders_actor>("orders", orders::schema),
      type_of<notifications::notifications_actor, notifications::notifications_options>(
          "notifications", notifications::schema),
      saga_type("order_saga", {order_saga::place()}),
      reconcile::reconciliation_type()};
}

} // namespace troupe
