#include "tests/worker/things_actor.hpp"

#include <array>
#include <stdexcept>

namespace troupe::test {

namespace {

constexpr std::array<store::migration, 1> schema{
    {{1,
      "things",
      "CREATE TABLE things (name TEXT NOT NULL UNIQUE);"
      "CREATE TABLE mentions (name TEXT NOT NULL REFERENCES things (name)"
      " DEFERRABLE INITIALLY DEFERRED);"}}};

constexpr const char* insert = "INSERT INTO things (name) VALUES ($1)";

} // namespace

things_actor::things_actor(probe& seen) : seen_{seen} {
  if (seen_.make_fails > 0) {
    --seen_.make_fails;
    throw std::runtime_error{"the constructor failed"};
  }
  ++seen_.made;
  if (seen_.on_make) {
    seen_.on_make();
  }
  command("put", [this](const thing& request, turn& turn) { return put(request, turn); });
  command("once", [this](const thing& request, turn& turn) -> outcome<count> {
    if (!names_.insert(request.name).second) {
      return failure{rejected("twice", "this instance has put it before")};
    }
    return put(request, turn);
  });
  command("refuse", [this](const thing& request, turn& turn) -> outcome<count> {
    put(request, turn);
    return failure{rejected("no", "refused after it had written")};
  });
  command("tell_and_refuse", [](const thing& request, turn& turn) -> outcome<count> {
    turn.publish("thing.told", request);
    turn.effect("send", request);
    return failure{rejected("no", "refused after it had told the world")};
  });
  command("unready", [this](const thing& request, turn& turn) -> outcome<count> {
    put(request, turn);
    return failure{error{.code = errc::unavailable, .message = "not now"}};
  });
  command("throw", [this](const thing& request, turn& turn) -> count {
    put(request, turn);
    turn.effect("send", request);
    throw std::runtime_error{"thrown by the handler"};
  });
  command("throw_number", [this](const thing& request, turn& turn) -> count {
    put(request, turn);
    throw 7;
  });
  command("mention", [](const thing& request, turn& turn) {
    turn.database().execute("INSERT INTO mentions (name) VALUES ($1)", request.name);
    return count{};
  });
  command("put_blindly", [](const thing& request, turn& turn) {
    turn.database().execute(insert, request.name); // Nobody waits for the database.
    return count{};
  });
  command("misspell", [](const thing&, turn& turn) {
    turn.database().execute("INSERT INTO no_such_table (name) VALUES (1)");
    return count{};
  });
  command("forget_answer", [](const thing&, turn&) { return pending{}; });
  command("send", [this](const thing& request, turn& turn) {
    put(request, turn);
    if (seen_.publishes_twice) {
      turn.publish("thing.sent", request);
    }
    return turn.effect("send", request);
  });
  command("send_and_note", [this](const thing& request, turn& turn) {
    put(request, turn);
    const pending sent = turn.effect("send", request);
    turn.effect("note", request);
    return sent;
  });
  command("send_twice", [this](const thing& request, turn& turn) {
    put(request, turn);
    turn.effect("send", request);
    return turn.effect("send", request);
  });
  command("misdirect", [this](const thing& request, turn& turn) {
    put(request, turn);
    return turn.effect("sends", request);
  });
  command("do", [this](const thing&, turn& turn) {
    seen_.in_command(turn);
    return count{};
  });
  command("announce", [](const thing& request, turn& turn) {
    turn.publish("thing.put", request, request.name);
    return count{};
  });
  command("whisper", [](const thing& request, turn& turn) {
    turn.database().execute(insert, "written before");
    turn.publish("thing.whispered", request, request.name);
    return count{};
  });
  command("shout", [](const thing& request, turn& turn) {
    turn.publish("thing.shouted", request);
    return count{};
  });
  command("mumble", [this](const thing& request, turn& turn) {
    put(request, turn);
    turn.publish("nobody.declared", request);
    return count{};
  });
  command("mistype", [](const thing&, turn& turn) {
    turn.publish("thing.put", count{});
    return count{};
  });
  command("remind", [](const thing& request, turn& turn) {
    turn.publish_after(std::chrono::seconds{1}, "thing.due", request, request.name);
    return count{};
  });
  on("thing.*", [this](const thing& event, turn& turn, const event_info& info) -> outcome<void> {
    if (seen_.writes_events) {
      put(event, turn);
    }
    return seen_.on_event ? seen_.on_event(event, turn, info) : outcome<void>{};
  });
  publishes<thing>("thing.*");
  publishes<thing>("t");
  query("count", [](const thing&, store::database& session) {
    return count{session.integer_of("SELECT COUNT(*) FROM things").value_or(-1)};
  });
  query("remembered", [this](const thing&) { return count{remembered_}; });
  query("throw_reading", [](const thing&) -> count { throw std::runtime_error{"in a query"}; });
  query("look", [this](const thing& request) {
    ++seen_.handled;
    if (seen_.on_handle) {
      seen_.on_handle(request);
    }
    return count{};
  });
  query("write_reading", [](const thing& request, store::database& session) {
    session.execute(insert, request.name);
    return count{};
  });
  effect<thing>(
      "note",
      [](const thing& request, const effect_call&) -> outcome<thing> { return request; },
      [this](const thing& request, const outcome<thing>&, turn&) {
        ++seen_.noted;
        return request;
      });
  effect<count>(
      "send",
      [this](const thing&, const effect_call& call) -> outcome<count> {
        {
          const std::lock_guard lock{seen_.mutex};
          seen_.effect_keys.push_back(call.key);
        }
        return seen_.on_effect ? seen_.on_effect(call) : count{call.attempt};
      },
      [this](const thing& request, const outcome<count>& result, turn& turn) -> outcome<count> {
        if (seen_.in_settle) {
          seen_.in_settle(turn);
        }
        turn.database().execute(insert, "settled " + request.name);
        if (seen_.settles_against_rules) {
          turn.database().execute("INSERT INTO mentions (name) VALUES ('nobody')");
        }
        if (seen_.settle_throws > 0) {
          --seen_.settle_throws;
          throw std::runtime_error{"thrown by the settlement"};
        }
        TROUPE_CHECK(seen_.on_settle ? seen_.on_settle() : outcome<void>{});
        if (seen_.publishes_twice) {
          turn.publish("thing.sent", request);
        }
        if (seen_.settle_asks_again > 0) {
          --seen_.settle_asks_again;
          turn.effect("send", thing{request.name + "+"});
        }
        ++seen_.settled;
        return result;
      });
}

count things_actor::put(const thing& request, turn& turn) {
  ++seen_.handled;
  ++remembered_;
  turn.database().execute(insert, request.name);
  if (seen_.on_handle) {
    seen_.on_handle(request);
  }
  return {turn.database().integer_of("SELECT COUNT(*) FROM things").value_or(-1)};
}

actor_type things_type(probe& seen) {
  return {
      .name = "things",
      .make = [&seen](const context&) { return std::make_unique<things_actor>(seen); },
      .schema = schema};
}

} // namespace troupe::test
