#pragma once

#include "nodes/page/page_desk.hpp"
#include "nodes/page/page_order.hpp"
#include "runtime/clock.hpp"
#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/ids.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/security/audit_sample.hpp"
#include "runtime/security/rules.hpp"
#include "topology/plan.hpp"

#include <memory>
#include <optional>
#include <string>

namespace troupe {

/// Takes the orders about one kind of thing, of a page or of a program that sends the same: JSON,
/// from no other site, with a reason, of somebody who has the right to what is asked by it. Each
/// one that goes on to the system is in the log of the gateway, before it is carried out and with
/// what came of it. Who lacks the right is in the audit log, under his name.
class order_route final : public gateway::route_handler {
public:
  /// The parts that all such routes share. Whatever is borrowed outlives them.
  struct parts {
    page_desk& desk;
    const topology::plan& plan;
    /// The gateway's node.
    std::string name;
    /// The rules; null without `security`: then whoever is let in may.
    std::shared_ptr<const security::rules> rules;
    observe::event_log& log;
    const clock& time;
  };

  order_route(parts with, ordered_thing which);

  void handle(gateway::route_request request, const http::responder& answers) override;

private:
  /// The error of a service that lacks a right; nothing if it has all.
  std::optional<error> missing_right(const std::string& service, const page_order& order) const;
  void note_refusal(const std::string& service, const std::string& from, const error& why);

  const parts with_;
  const ordered_thing which_;
  security::audit_sample refusals_; // The samples of refusals, by row of the rules.
  uuid_source ids_;
};

} // namespace troupe
