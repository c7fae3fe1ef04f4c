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

/// Accepts orders about one kind of thing, from a page or from a program that sends the same: JSON,
/// from no other site, with a reason, from somebody who has the right to what the order does. Each
/// accepted order is logged by the gateway, before it is carried out and with its result. A missing
/// right is recorded in the audit log, under the caller's name.
class order_route final : public gateway::route_handler {
public:
  /// What all such routes share. Borrowed parts outlive them.
  struct parts {
    page_desk& desk;
    const topology::plan& plan;
    /// The gateway's node.
    std::string name;
    /// The rules; null without `security`: then everybody who can use the page has all rights.
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
