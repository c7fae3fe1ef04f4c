#include "actors/faulty/faulty.hpp"

#include "actors/faulty/messages.hpp"

#include <cstdlib>
#include <stdexcept>
#include <unistd.h>

namespace troupe::faulty {

namespace {

enum class misdeed : std::uint8_t { none, throws, hangs, crashes };

void commit(misdeed what, const std::string& text) {
  switch (what) {
  case misdeed::none:
    return;
  case misdeed::throws:
    throw std::runtime_error{"asked to throw: " + text};
  case misdeed::hangs:
    for (;;) {
      ::pause();
    }
  case misdeed::crashes:
    std::abort();
  }
}

} // namespace

faulty_actor::faulty_actor(const context& context) {
  if (context.config<faulty_options>().broken_on == context.node) {
    throw std::runtime_error{"broken on " + context.node};
  }
  const auto add = [this](const std::string& name, misdeed what) {
    command(name, [what](const said& request, turn& turn) {
      turn.database().execute(
          "INSERT INTO texts (call_id, text) VALUES ($1, $2)", turn.id(), request.text);
      commit(what, request.text);
      return request;
    });
    query("ask_" + name, [what](const said& request) {
      commit(what, request.text);
      return request;
    });
  };
  add("echo", misdeed::none);
  add("throw", misdeed::throws);
  add("hang", misdeed::hangs);
  add("crash", misdeed::crashes);
  query("count", [](const count_texts&, store::database& session) {
    return text_count{session.integer_of("SELECT COUNT(*) FROM texts").value_or(0)};
  });
}

} // namespace troupe::faulty
