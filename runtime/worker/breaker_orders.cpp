#include "runtime/worker/breaker_orders.hpp"

#include "runtime/store/turn/forced_breakers.hpp"
#include "runtime/wire/node_calls.hpp"

namespace troupe {

void keep_breaker_order(write& each, turn_scope& in) {
  if (fail_if_late(each, in.began)) {
    return;
  }
  const auto order = wire::decode<wire::force_breaker>(each.what->body);
  const std::string& node = in.of.parts().node;
  store::forced_breakers breakers{in.session};
  const auto known = breakers.on(node);
  if (!known || known->request != *order->request) {
    breakers.set(
        order->only_here ? node : "",
        {order->mode, order->who, order->why, *order->request, in.now});
  }
  read_breaker_order(in);
}

void read_breaker_order(turn_scope& in) {
  if (auto order = store::forced_breakers{in.session}.on(in.of.parts().node)) {
    in.output.breaker_orders.push_back(std::move(*order));
  }
}

} // namespace troupe
