#pragma once

#include "runtime/outcome.hpp"
#include "runtime/wire/flags.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::strangler {

/// The values of all flags that were ever set, as shares.
using flag_values = std::map<std::string, std::uint32_t>;

/// Asks the broker that keeps the journal: an operation of `troupe.events` with its body.
using journal_question =
    std::function<outcome<std::string>(std::string_view operation, const std::string& body)>;

/// A change in the journal.
struct recorded_change {
  std::uint64_t position = 0;
  uuid id;
  /// Milliseconds since 1970 (UTC).
  std::int64_t time = 0;
  wire::flag_change what;
};

/// The state of the flags at a position of the journal.
struct flag_state {
  /// The newest change; absent if no flag was ever set.
  std::optional<recorded_change> newest{};
  /// The position up to which the journal was read, and the life that wrote it (`events_read`).
  std::uint64_t read_to = 0;
  uuid life{};

  /// No value if no flag was ever set.
  flag_values values() const { return newest ? newest->what.values : flag_values{}; }
};

/// Reads the newest change and all values, with three requests, however long the journal is.
/// @errors those of the requests.
outcome<flag_state> read_flags(const journal_question& ask);

/// Reads on after `known`, waiting for a change for up to `wait_ms`.
/// @return the new state; one without `read_to` (0) if the journal is another one than before, so
/// that everything has to be read again.
outcome<flag_state> read_on(const journal_question& ask, flag_state known, std::uint32_t wait_ms);

/// The change of position `at`. @errors `rejected`: there is none.
outcome<recorded_change> read_change(const journal_question& ask, std::uint64_t at);

/// The event that sets `flag` next, after `known`.
wire::flag_change change_after(
    const flag_state& known,
    std::string_view flag,
    std::uint32_t to,
    std::string who,
    std::string why,
    const uuid& request);

/// The id under which it is published: of two that follow the same change one is refused.
uuid id_after(const flag_state& known);

} // namespace troupe::strangler
