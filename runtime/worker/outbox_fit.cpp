#include "runtime/worker/outbox_fit.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

bool differ(const uuid& one, const uuid& other) {
  return one != uuid{} && other != uuid{} && one != other;
}

} // namespace

outbox_fit fit_of(const outbox_view_of_journal& outbox, const store::outbox_mark& taken) {
  if (taken.confirmed < outbox.mark.confirmed) {
    return outbox_fit::journal_is_older;
  }
  const bool is_other_event =
      taken.confirmed != 0
      && ((outbox.id_at_taken && differ(*outbox.id_at_taken, taken.id))
          || (taken.confirmed == outbox.mark.confirmed && differ(outbox.mark.id, taken.id))
          || (outbox.digest_at_taken && taken.digest && *outbox.digest_at_taken != *taken.digest));
  return taken.confirmed > outbox.newest || is_other_event ? outbox_fit::database_is_older
                                                           : outbox_fit::fits;
}

std::string describe_fit(
    outbox_fit fit,
    std::string_view capability,
    const outbox_view_of_journal& outbox,
    std::uint64_t taken) {
  constexpr std::string_view remedy =
      "Nothing is taken from its outbox and nothing is deleted. Put the newer file back; or stop "
      "the system, and `troupe restore FILE` says what each side has that the other has not, and "
      "makes them go on together";
  switch (fit) {
  case outbox_fit::fits:
    return {};
  case outbox_fit::journal_is_older:
    return fmt::format(
        "the journal has {} events of the outbox of `{}`, and a journal has confirmed {}: was the "
        "journal restored from a backup, or lost? {}",
        taken,
        capability,
        outbox.mark.confirmed,
        remedy);
  case outbox_fit::database_is_older:
    break;
  }
  return fmt::format(
      "the journal has {} events of the outbox of `{}`, and its database has {}: was the database "
      "restored from a backup? {}",
      taken,
      capability,
      taken > outbox.newest ? fmt::format("only {}", outbox.newest)
                            : std::string{"other events under these numbers"},
      remedy);
}

} // namespace troupe
