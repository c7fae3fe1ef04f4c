#include "actors/notes/notes.hpp"

#include "actors/notes/messages.hpp"
#include "actors/notes/options.hpp"

namespace troupe::notes {

notes_actor::notes_actor(const context& context) {
  const bool tells = context.config<notes_options>().tell;
  command("add", [](const add_note& request, turn& turn) {
    turn.database().execute(
        "INSERT INTO notes (note_id, text) VALUES ($1, $2)", turn.id(), request.text);
    return note_added{turn.id()};
  });
  on("note.*", [tells](const add_note& event, turn& turn) {
    turn.database().execute(
        "INSERT INTO notes (note_id, text) VALUES ($1, $2)", turn.id(), event.text);
    if (tells) {
      turn.publish("noted", noted{turn.id(), event.text});
    }
  });
  publishes<noted>("noted");
  query("count", [](const count_notes&, store::database& session) {
    return note_count{session.integer_of("SELECT COUNT(*) FROM notes").value_or(0)};
  });
}

} // namespace troupe::notes
