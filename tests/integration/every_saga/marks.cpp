#include "tests/integration/every_saga/marks.hpp"

#include "runtime/actor/actor.hpp"
#include "tests/integration/every_saga/messages.hpp"

#include <array>
#include <string>

namespace troupe::test {

namespace {

constexpr std::array schema{store::migration{1, "marks", R"sql(
CREATE TABLE marks (
  saga BLOB NOT NULL,
  step TEXT NOT NULL,
  label TEXT NOT NULL,
  made BIGINT NOT NULL,
  unmade BIGINT NOT NULL,
  PRIMARY KEY (saga, step)
) WITHOUT ROWID;
)sql"}};

outcome<marked> make(const mark& wanted, turn& turn) {
  if (wanted.is_refused) {
    return failure{rejected("unwanted", "The wish has " + wanted.step + " refused.")};
  }
  const auto unmade = turn.database().integer_of(
      "SELECT unmade FROM marks WHERE saga = $1 AND step = $2", wanted.saga, wanted.step);
  if (unmade.value_or(0) != 0) {
    return failure{rejected("cancelled", wanted.step + " was unmade before it was made.")};
  }
  turn.database().execute(
      "INSERT INTO marks (saga, step, label, made, unmade) VALUES ($1, $2, $3, 1, 0) "
      "ON CONFLICT (saga, step) DO UPDATE SET made = marks.made + 1",
      wanted.saga,
      wanted.step,
      wanted.label);
  return marked{wanted.step};
}

marked unmake(const unmark& undone, turn& turn) {
  turn.database().execute(
      "INSERT INTO marks (saga, step, label, made, unmade) VALUES ($1, $2, $3, 0, 1) "
      "ON CONFLICT (saga, step) DO UPDATE SET unmade = marks.unmade + 1",
      undone.saga,
      undone.step,
      undone.label);
  return marked{undone.step};
}

mark_list all_behind(const list_marks& asked, store::database& session) {
  mark_list found;
  session.query(
      "SELECT saga, label, step, made FROM marks WHERE saga > $1 ORDER BY saga, step",
      [&](const store::row& row) {
        found.marks.push_back(
            {row.id(0), std::string{row.text(1)}, std::string{row.text(2)}, row.integer(3)});
      },
      asked.after.value_or(uuid{}));
  return found;
}

class marks_actor final : public actor {
public:
  explicit marks_actor(const context&) {
    command("make", [](const mark& wanted, turn& turn) { return make(wanted, turn); });
    command("unmake", [](const unmark& undone, turn& turn) { return unmake(undone, turn); });
    query("all", [](const list_marks& asked, store::database& session) {
      return all_behind(asked, session);
    });
  }
};

} // namespace

actor_type marks() {
  return type_of<marks_actor>("marks", schema);
}

} // namespace troupe::test
