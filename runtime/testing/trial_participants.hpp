#pragma once

#include "runtime/saga/machine.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::testing {

/// The participants of a saga that is tried, which are as real ones owe to be: an id is carried out
/// once and then answered as before, or refused if it comes with another request; a do behind its
/// undo is refused.
class trial_participants {
public:
  using participant = std::function<outcome<std::string>(std::string_view body)>;

  /// Sets what answers a call; one that is not named answers an empty map.
  void on(std::string call, participant answers) {
    participants_.insert_or_assign(std::move(call), std::move(answers));
  }

  /// A participant's turn: its inbox, its tombstones, its work.
  outcome<std::string>
  carry_out(const saga::call& wanted, const std::string& name, std::string_view body);

  /// Its turn, in which it says no. @return what the inbox has.
  outcome<std::string> refuse(const saga::call& wanted, error why);

  /// The calls that had an effect, in order.
  const std::vector<std::string>& carried_out() const { return carried_out_; }

private:
  std::map<std::string, participant> participants_;
  std::vector<std::string> carried_out_;
  std::map<uuid, outcome<std::string>> inbox_;
  std::map<uuid, std::string> requests_;
  std::set<uuid> in_place_;
  std::set<uuid> tombstones_;
};

} // namespace troupe::testing
