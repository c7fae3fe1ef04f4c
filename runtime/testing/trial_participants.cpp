#include "runtime/testing/trial_participants.hpp"

#include <utility>

namespace troupe::testing {

namespace {

constexpr auto empty_map = "\x80";

} // namespace

outcome<std::string> trial_participants::carry_out(
    const saga::call& wanted, const std::string& name, std::string_view body) {
  if (requests_.try_emplace(wanted.id, body).first->second != body) {
    return failure{error{
        .code = errc::conflict,
        .message = "this id was used for another request",
        .details = {{"reason", "id_reused"}}}};
  }
  if (const auto known = inbox_.find(wanted.id); known != inbox_.end()) {
    return known->second;
  }
  outcome<std::string> said{empty_map};
  const bool has_nothing_to_undo = wanted.as.undo && !in_place_.contains(wanted.undoes);
  if (!wanted.as.undo && tombstones_.contains(wanted.id)) {
    said = failure{rejected("undone", "its undo came first")};
  } else if (const auto found = participants_.find(name);
             !has_nothing_to_undo && found != participants_.end()) {
    said = found->second(body);
  }
  if (said && !has_nothing_to_undo) {
    carried_out_.push_back(name);
  }
  if (said && wanted.as.undo) {
    tombstones_.insert(wanted.undoes);
    in_place_.erase(wanted.undoes);
  } else if (said) {
    in_place_.insert(wanted.id);
  }
  if (said || verdict_on(said.error().code).is_kept || said.error().is_final) {
    inbox_.emplace(wanted.id, said);
  }
  return said;
}

outcome<std::string> trial_participants::refuse(const saga::call& wanted, error why) {
  return inbox_.try_emplace(wanted.id, failure{std::move(why)}).first->second;
}

} // namespace troupe::testing
