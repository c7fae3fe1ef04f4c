#pragma once

#include "runtime/contract/matching_rule.hpp"

#include <optional>
#include <string>

namespace troupe::contract {

/// The kind of a value, for people: "text", "integer", "number", "object" and so on.
std::string kind_name(const json& value);

/// "\"Ada\" (text)", shortened.
std::string shown(const json& value);

/// A value as the text that it is on the wire. Broken UTF-8 is replaced.
std::string text_of(const json& value);

/// Whether two values are the same. An integer is not the same as a number with a fraction: 1 and
/// 1.0 are read differently by programs with types.
bool is_same(const json& left, const json& right);

/// The fault of `actual` by `rule`; nothing if it fits.
///
/// What a rule says of the items of a list or the members of an object is not looked at here.
/// @param is_direct the rule is of this place and not of one around it, where the number of items
/// counts.
std::optional<std::string>
fault_by(const matching_rule& rule, const json& expected, const json& actual, bool is_direct);

/// The faults by all rules of a place.
std::vector<std::string>
faults_by(const rules_in_force& rules, const json& expected, const json& actual);

/// The faults of what is text on the wire, such as a field or a parameter: "5" is a number and
/// "true" is a boolean there.
std::vector<std::string>
text_faults_by(const rules_in_force& rules, const std::string& expected, const std::string& actual);

} // namespace troupe::contract
