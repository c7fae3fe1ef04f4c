#include "runtime/worker/breaker_orders.hpp"

#include "runtime/store/turn/forced_breakers.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "runtime/wire/error_map.hpp"
#include "runtime/wire/node_calls.hpp"

namespace troupe {

void keep_breaker_order(write& each, turn_scope& in) {
  if (fail_if_late(each, in.began)) {
    return;
  }
  const auto order = wire::decode<wire::force_breaker>(each.what->body);
  const std::string& node = in.of.parts().node;
  store::forced_breakers breakers{in.session};
  // A repeat of an order must not undo a newer one, so all of them are remembered like calls. One
  // for all nodes reaches each, and the first one writes it down.
  const uuid kept_as = derived_id(
      *order->request, order->only_here ? "breaker of node " + node : "breaker of all nodes");
  store::inbox repeats{in.session};
  if (!repeats.find(kept_as)) {
    const store::inbox_row row{
        kept_as,
        "force_breaker",
        digest_of(std::as_bytes(std::span{each.what->body})),
        store::inbox_state::ok,
        {},
        {node, each.replica, static_cast<int>(each.what->attempt)}};
    repeats.insert({&row, 1});
    breakers.set(
        order->only_here ? node : "",
        {order->mode,
         wire::travelling(order->who, wire::who_bytes_max),
         wire::travelling(order->why, wire::why_bytes_max),
         *order->request,
         in.now});
  }
  read_breaker_order(in);
}

void read_breaker_order(turn_scope& in) {
  if (auto order = store::forced_breakers{in.session}.on(in.of.parts().node)) {
    in.output.breaker_orders.push_back(std::move(*order));
  }
}

} // namespace troupe
