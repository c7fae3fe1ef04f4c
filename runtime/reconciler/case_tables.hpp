#pragma once

#include "runtime/actor/open_matters.hpp"
#include "runtime/clock.hpp"
#include "runtime/reconciler/messages.hpp"
#include "runtime/reconciler/pass.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/migrations.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::reconcile {

/// A row of `passes` for each invariant; `looking` is not 0 from the turn that asks for a look to
/// the one that settles it: the time of the first, in milliseconds since 1970 (1, if an earlier
/// release asked). A row of `cases` for each case that was ever opened and is not forgotten.
inline constexpr std::array schema{store::migration{1, "passes and cases", R"sql(
CREATE TABLE passes (
  invariant TEXT PRIMARY KEY,
  behind BLOB NOT NULL,
  suspected BLOB NOT NULL,
  due_at BIGINT NOT NULL,
  judged BIGINT NOT NULL,
  in_flight BIGINT NOT NULL,
  trouble TEXT NOT NULL,
  compared_at BIGINT NOT NULL,
  looking BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE cases (
  invariant TEXT NOT NULL,
  key BLOB NOT NULL,
  type TEXT NOT NULL,
  case_id BLOB NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
  details TEXT NOT NULL,
  opened_at BIGINT NOT NULL,
  closed_at BIGINT NOT NULL,
  times BIGINT NOT NULL,
  correction TEXT NOT NULL,
  PRIMARY KEY (invariant, key, type)
) WITHOUT ROWID;
CREATE INDEX corrections_wanted ON cases (case_id) WHERE correction = 'wanted';
)sql"}};

/// An invariant's pass as the table has it, but for what only its next look needs.
struct pass_row {
  std::string invariant;
  wall_time due{};
  /// The time at which the look began that has not ended.
  std::optional<wall_time> looking_since{};
};

/// A correcting saga that is to be asked for.
struct wanted_correction {
  correct_inconsistency what;
  /// The opening of the case that it is for.
  std::int64_t times = 1;
};

/// The tables of a capability that reconciles others. Borrows the session, and belongs to the turn
/// of the moment; throws database_error.
class case_tables {
public:
  explicit case_tables(store::database& session) : session_{session} {}

  std::vector<pass_row> passes() const;
  void add_pass(const std::string& invariant, wall_time due);

  /// The state of the pass; nothing if there is none.
  std::optional<pass_state> state(const std::string& invariant) const;
  void begin_look(const std::string& invariant, wall_time now);
  /// Gives a look up whose end nobody waits for any more; it may come nevertheless.
  void give_up_look(const std::string& invariant);
  /// Writes what a look came to, and that it is over.
  void save(const std::string& invariant, const pass_step& step, wall_time now);
  /// Makes a pass due.
  void run_now(const std::string& invariant, wall_time now);

  /// The open cases of an invariant whose keys are behind one.
  /// @param to and up to this one; empty for no bound.
  std::vector<sighting>
  open_cases(const std::string& invariant, std::string_view behind, std::string_view to) const;

  /// Opens a case, perhaps again, or closes it.
  /// @param id of a case that was never open. @param correction what its saga is to do next.
  /// @return the case as it is then.
  inconsistency open(
      const std::string& invariant,
      const sighting& what,
      const uuid& id,
      wall_time now,
      std::string_view correction);
  inconsistency close(const std::string& invariant, const sighting& what, wall_time now);

  /// Takes a case for which a saga is wanted, and notes that it was asked.
  std::optional<wanted_correction> take_wanted();
  /// Notes what came of the saga that was asked for an opening; nothing if the case has been opened
  /// again since.
  void note_correction(const uuid& case_id, std::int64_t times, std::string_view what);

  /// Forgets cases that were closed before that time.
  void forget(wall_time before);

  /// The number of open cases, by invariant.
  open_matters open_now() const;

  case_list list(const list_cases& request) const;
  pass_list list() const;

private:
  inconsistency told(const std::string& invariant, const sighting& what) const;

  store::database& session_;
};

} // namespace troupe::reconcile
