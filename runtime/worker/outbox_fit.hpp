#pragma once

#include "runtime/ids.hpp"
#include "runtime/store/turn/writers.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// Whether an outbox and the number up to which a journal took it belong to one history.
enum class outbox_fit : std::uint8_t {
  fits,
  /// The journal has confirmed more events of this outbox than it has now.
  journal_is_older,
  /// The journal has events of this outbox that are not in the outbox, or that differ under their
  /// numbers.
  database_is_older,
};

/// The state of an outbox as its database has it.
struct outbox_view_of_journal {
  /// The highest number that a journal has confirmed.
  store::outbox_mark mark;
  std::uint64_t newest = 0;
  /// The id of the event with the number that the journal has taken, if it still exists.
  std::optional<uuid> id_at_taken{};
  /// The sum of the digests of its events up to that number, from where the journal's begins, if it
  /// is known.
  std::optional<std::uint64_t> digest_at_taken{};
};

/// Compares numbers, ids, and the sum over both for all events: the event at the number alone may
/// be the same in two histories. While the answer is not `fits`, nothing is taken or deleted, so
/// that these values stay, and the answer is the same after any restart, however far the outbox
/// grows.
///
/// @param taken the number that the journal has taken; its `id` is zeros where that is not known.
outbox_fit fit_of(const outbox_view_of_journal& outbox, const store::outbox_mark& taken);

/// The answer for people: the finding, its consequence, and what to do. Empty if it fits.
std::string describe_fit(
    outbox_fit fit,
    std::string_view capability,
    const outbox_view_of_journal& outbox,
    std::uint64_t taken);

} // namespace troupe
