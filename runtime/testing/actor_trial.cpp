#include "runtime/testing/actor_trial.hpp"

#include "runtime/store/blobs.hpp"
#include "runtime/store/sqlite/database.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace troupe::testing {

namespace {

[[noreturn]] void blame_test(std::string_view what, std::string_view name) {
  throw std::logic_error{std::string{what}.append(" `").append(name).append("`")};
}

} // namespace

trial_folder::trial_folder() {
  path = (std::filesystem::temp_directory_path() / "troupe-actors-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) {
    throw std::runtime_error{
        "no folder can be made as " + path + ": " + std::system_category().message(errno)};
  }
}

trial_folder::~trial_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

actor_trial::actor_trial(const actor_type& type, config_tree settings)
    : settings_{std::move(settings)} {
  actor_ = type.make({capability_, 0, node_, folder.path, settings_, time, log_});
  if (!type.wants_store()) {
    return;
  }
  auto opened =
      store::open_sqlite(folder.path + "/test.db", {.capability = "test", .durable = false});
  if (!opened) {
    throw std::runtime_error{opened.error().message};
  }
  database = std::move(*opened);
  for_handlers_ = std::make_unique<store::lent_session>(*database);
  if (const auto migrated = migrate(*database, time, type); !migrated) {
    throw std::runtime_error{migrated.error().message};
  }
}

outcome<std::string> actor_trial::ask_bytes(std::string_view operation, const std::string& body) {
  const auto* const query = std::get_if<handlers::query>(&found(operation));
  if (query == nullptr) {
    blame_test("the actor has no query", operation);
  }
  std::string reply;
  store::lending lent{for_handlers_.get()};
  const auto answered = query->run(body, lent.session(), reply);
  lent.end();
  return answered.map([&] { return std::move(reply); });
}

outcome<std::string>
actor_trial::call_bytes(const uuid& id, std::string_view operation, const std::string& body) {
  std::string reply;
  TROUPE_TRY(const auto answered, run(id, operation, body, reply));
  if (answered != handlers::answered::now) {
    blame_test("an effect answers", operation);
  }
  return reply;
}

store::effect_row actor_trial::effect_of(std::string_view operation, const std::string& body) {
  std::string reply;
  const auto answered = run(fresh_id(), operation, body, reply);
  if (!answered) {
    throw std::logic_error{std::string{operation} + " was refused: " + answered.error().message};
  }
  const bool is_any = reply.empty() && requests_.effects.size() == 1;
  const auto found = std::ranges::find_if(requests_.effects, [&](const store::effect_row& each) {
    return is_any || store::text_of(each.key.view()) == reply;
  });
  if (*answered != handlers::answered::later || found == requests_.effects.end()) {
    blame_test("no effect that was asked for answers", operation);
  }
  return *found;
}

outcome<void>
actor_trial::tell_bytes(const uuid& id, std::string_view topic, const std::string& body) {
  const handlers::event* const handler = actor_->find_event(topic);
  if (handler == nullptr) {
    blame_test("the actor does not hear events of", topic);
  }
  store::transaction writing{tables()};
  store::lending lent{for_handlers_.get(), requests_.at_savepoints()};
  turn turn = begin(derived_id(id, capability_), lent);
  const event_info info{
      .id = id, .topic = topic, .key = {}, .source = {}, .time = time.wall(), .position = 1};
  auto handled = handler->run(body, info, turn);
  lent.end();
  if (handled) {
    writing.commit();
  }
  return handled;
}

outcome<std::string> actor_trial::run_effect(const store::effect_row& row) {
  return found_effect(row.name).run(row.request, {row.key, 1});
}

outcome<std::string>
actor_trial::settle_bytes(const store::effect_row& row, const outcome<std::string>& result) {
  store::transaction writing{tables()};
  store::lending lent{for_handlers_.get(), requests_.at_savepoints()};
  turn turn = begin(row.call, lent);
  turn.name_after(row.key);
  std::string reply;
  outcome<std::string_view> seen = failure{error{}};
  if (result) {
    seen = std::string_view{*result};
  } else {
    seen = failure{result.error()};
  }
  const auto settled = found_effect(row.name).settle(row.request, seen, turn, reply);
  lent.end();
  if (!settled && is_momentary(settled.error())) {
    // The writes are undone, and the effect waits for another attempt.
    return failure{settled.error()};
  }
  store::effects{tables()}.remove(row.key);
  writing.commit();
  if (!settled) {
    return failure{settled.error()};
  }
  return reply;
}

const handlers::operation& actor_trial::found(std::string_view operation) const {
  const handlers::operation* const there = actor_->find(operation).how;
  if (there == nullptr) {
    blame_test("the actor has no operation", operation);
  }
  return *there;
}

const handlers::effect& actor_trial::found_effect(std::string_view name) const {
  const handlers::effect* const there = actor_->find_effect(name);
  if (there == nullptr) {
    blame_test("the actor has no effect", name);
  }
  return *there;
}

store::database& actor_trial::tables() const {
  if (database == nullptr) {
    throw std::logic_error{"the actor needs no store, and so has no turns"};
  }
  return *database;
}

turn actor_trial::begin(const uuid& id, const store::lending& lent) {
  requests_ = {};
  return turn{*actor_, lent.session(), 1, id, {}, time.wall(), requests_};
}

outcome<handlers::answered> actor_trial::run(
    const uuid& id, std::string_view operation, std::string_view body, std::string& reply) {
  const auto* const command = std::get_if<handlers::command>(&found(operation));
  if (command == nullptr) {
    blame_test("the actor has no command", operation);
  }
  store::transaction writing{tables()};
  store::lending lent{for_handlers_.get(), requests_.at_savepoints()};
  turn turn = begin(id, lent);
  auto answered = command->run(body, turn, reply);
  lent.end();
  if (answered) {
    writing.commit();
  }
  return answered;
}

} // namespace troupe::testing
