#pragma once

#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/wire/description.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace troupe::reconcile {

/// The source of rows: a query of a capability that is asked page by page. Its request has `after`,
/// the key behind which the page begins (absent or empty for the first), and `count`; its reply has
/// the rows in rising order of their keys. A page without rows is the last.
struct source {
  std::string capability{};
  std::string query{};
  /// The field of the reply that has the rows, and the field of a row by which rows are matched: an
  /// id, a text or an integer. Several rows of one key are summed.
  std::string rows{};
  std::string key{};
  /// The field of a row that says when it changed, in milliseconds since 1970; without one a row is
  /// as old as its key, if that is an id.
  std::string changed{};
  /// The rows that count: those of which a field is one of these texts; nothing for all.
  std::string where{};
  std::vector<std::string> is{};
  file_position at{};
};

/// The side whose keys must have rows on the other side, too.
enum class match : std::uint8_t { none, left, right, both };

/// The sum of fields of a side's rows, or a number: "+left.amount".
struct term {
  bool is_negative = false;
  bool is_left = false;
  /// An index into `invariant::fields_of` that side; -1 for a number.
  int field = -1;
  std::int64_t number = 0;
};

/// "left.total = right.captured - right.refunded". A field that is a text is compared as such, and
/// then stands alone.
struct comparison {
  std::vector<term> one;
  std::vector<term> other;
  std::string text;
};

/// An invariant: what must hold between the rows of two capabilities.
struct invariant {
  std::string name;
  source left;
  source right;
  /// A key is not judged while a row of it is younger: work in flight is no inconsistency.
  milliseconds settle{30'000};
  match matched = match::both;
  /// A key has one row at most on that side.
  bool is_left_unique = false;
  bool is_right_unique = false;
  std::vector<comparison> equal;
  /// The fields that are read of each side's rows.
  std::vector<std::string> left_fields;
  std::vector<std::string> right_fields;
  file_position at;
};

/// A number for what an invariant says, all but `settle`: another one of its name has another.
std::int64_t rule_of(const invariant& of);

/// The invariants of a file: `invariants:`, a map from names. All faults at once, with line and
/// column.
std::vector<invariant> read_invariants(const config_tree& file, std::vector<fault>& faults);

/// The description of a capability's actor type; null if there is no such capability.
using described = std::function<const wire::actor_description*(const std::string& capability)>;

/// Adds a fault for each capability, query and field that is not there.
void check(const std::vector<invariant>& all, const described& of, std::vector<fault>& faults);

} // namespace troupe::reconcile
