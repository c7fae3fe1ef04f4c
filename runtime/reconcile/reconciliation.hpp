#pragma once

#include "runtime/outcome.hpp"
#include "runtime/reconcile/invariant.hpp"
#include "runtime/reconcile/rows.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::reconcile {

enum class finding_type : std::uint8_t { missing_left, missing_right, twice, differs };

TROUPE_WORDS(finding_type, missing_left, missing_right, twice, differs)

/// Something that does not hold.
struct finding {
  /// The key, as `row::key` has it.
  std::string key;
  finding_type type = finding_type::differs;
  /// The words for people: "left.total = right.captured: 500 and 400".
  std::string details;

  bool operator==(const finding&) const = default;
};

/// The findings of one pass over an invariant.
struct pass_report {
  std::vector<finding> findings;
  std::uint64_t left_rows = 0;
  std::uint64_t right_rows = 0;
  /// The keys that were judged, and those not, as a row of theirs was too young.
  std::uint64_t judged = 0;
  std::uint64_t in_flight = 0;
  /// The keys that were not judged, as far as there are not more than `findings_max`.
  std::vector<std::string> young;
  /// The findings beyond `findings_max`.
  std::uint64_t more = 0;
  /// The key up to which both sides were compared; empty for none.
  std::string compared_to;
  /// Whether a bound ended the pass at that key.
  bool is_cut = false;
};

/// The bounds at which a pass ends, besides the end of both sides.
struct pass_bounds {
  /// The last key to be judged; empty for any.
  std::string_view until{};
  /// Findings, and keys that are too young.
  std::size_t findings_max = std::numeric_limits<std::size_t>::max();
  std::size_t young_max = std::numeric_limits<std::size_t>::max();
};

/// Answers a page: the reply of `from.query` for rows behind a key. Blocks.
using fetch_page = std::function<outcome<std::string>(const source& from, std::string_view after)>;

/// The findings that one pass remembers; it counts those beyond.
constexpr std::size_t findings_max = 10'000;

/// Compares two capabilities in one pass over both, in the order of their keys: needs memory for a
/// page of each side, however many rows there are.
///
/// @param begun_at Unix milliseconds: no row younger than this less `settle` is judged.
/// @param behind only keys behind this one: a pass that was interrupted goes on at `compared_to`.
/// @param told is filled as it goes, so that it says how far a pass came that failed.
/// @errors those of `fetch`; `invalid` if a reply is not of the declared form, or its rows are not
/// in rising order behind what was asked.
outcome<void> reconcile(
    const invariant& what,
    std::int64_t begun_at,
    std::string_view behind,
    const fetch_page& fetch,
    pass_report& told,
    const pass_bounds& bounds = {});

/// The findings of `before` that a later pass found, too: what was only in flight heals meanwhile.
std::vector<finding>
confirmed(const std::vector<finding>& before, const std::vector<finding>& later);

} // namespace troupe::reconcile
