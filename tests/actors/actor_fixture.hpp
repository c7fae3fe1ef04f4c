#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/actor/turn_requests.hpp"
#include "runtime/store/sqlite/database.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::shop::test {

/// A temporary folder that is removed with the test.
class temporary_folder {
public:
  temporary_folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "troupe-actors-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }

  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::string path;
};

/// One replica over a database of its own, called without the runtime. A refusal undoes what the
/// handler wrote. There is no inbox: every call reaches the handler.
class actor_fixture {
public:
  explicit actor_fixture(const actor_type& type, config_tree settings = {})
      : settings_{std::move(settings)} {
    actor_ = type.make({capability_, 0, node_, folder.path, settings_, time, log_});
    if (!type.schema.empty()) {
      auto opened =
          store::open_sqlite(folder.path + "/test.db", {.capability = "test", .durable = false});
      BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
      database = std::move(*opened);
      BOOST_REQUIRE(migrate(*database, time, type));
    }
  }

  uuid fresh_id() { return ids_.next(time.wall()); }

  template <wire::message Reply, wire::message Request>
  outcome<Reply> ask(std::string_view operation, const Request& request) {
    std::string reply;
    const auto& query = std::get<handlers::query>(*found(operation));
    if (auto ran = query.run(wire::encoded(request), database.get(), reply); !ran) {
      return failure{ran.error()};
    }
    return wire::checked_decode<Reply>(reply);
  }

  /// Calls a command that answers at once.
  template <wire::message Reply, wire::message Request>
  outcome<Reply> call(std::string_view operation, const Request& request) {
    return call_as<Reply>(fresh_id(), operation, request);
  }

  template <wire::message Reply, wire::message Request>
  outcome<Reply> call_as(const uuid& id, std::string_view operation, const Request& request) {
    std::string reply;
    const auto answered = run(id, operation, wire::encoded(request), reply);
    if (!answered) {
      return failure{answered.error()};
    }
    BOOST_REQUIRE(*answered == handlers::answered::now);
    return wire::checked_decode<Reply>(reply);
  }

  /// Calls a command that asks for an effect, and returns the effect.
  template <wire::message Request>
  store::effect_row ask_effect(std::string_view operation, const Request& request) {
    std::string reply;
    const auto answered = run(fresh_id(), operation, wire::encoded(request), reply);
    BOOST_REQUIRE(answered.has_value());
    BOOST_REQUIRE(*answered == handlers::answered::later);
    BOOST_REQUIRE(requests_.effects.size() == 1U);
    return requests_.effects.front();
  }

  /// Lets the actor handle an event.
  template <wire::message Event>
  outcome<void> tell(const uuid& id, std::string_view topic, const Event& event) {
    const handlers::event* handler = actor_->find_event(topic);
    BOOST_REQUIRE(handler != nullptr);
    requests_ = {};
    store::transaction writing{*database};
    turn turn{*actor_, database.get(), 1, derived_id(id, capability_), {}, time.wall(), requests_};
    const event_info info{
        .id = id, .topic = topic, .key = {}, .source = {}, .time = time.wall(), .position = 1};
    auto handled = handler->run(wire::encoded(event), info, turn);
    if (handled) {
      writing.commit();
    }
    return handled;
  }

  /// The effects that the last turn asked for.
  const std::vector<store::effect_row>& effects() const { return requests_.effects; }

  outcome<std::string> run_effect(const store::effect_row& row) {
    return found_effect(row).run(row.request, {row.key, 1});
  }

  /// Settles an effect with its result. As in the runtime, its writes stay even if it refuses.
  template <wire::message Reply>
  outcome<Reply> settle(const store::effect_row& row, const outcome<std::string>& result) {
    requests_ = {};
    store::transaction writing{*database};
    turn turn{*actor_, database.get(), 1, row.call, {}, time.wall(), requests_};
    std::string reply;
    outcome<std::string_view> seen = failure{error{}};
    if (result) {
      seen = std::string_view{*result};
    } else {
      seen = failure{result.error()};
    }
    const auto settled = found_effect(row).settle(row.request, seen, turn, reply);
    store::effects{*database}.remove(row.key);
    writing.commit();
    if (!settled) {
      return failure{settled.error()};
    }
    return wire::checked_decode<Reply>(reply);
  }

  template <wire::message Reply, wire::message Request>
  outcome<Reply> call_with_effect(std::string_view operation, const Request& request) {
    const auto row = ask_effect(operation, request);
    return settle<Reply>(row, run_effect(row));
  }

  std::int64_t number(std::string_view sql) { return database->integer_of(sql).value_or(-1); }

  temporary_folder folder;
  manual_clock time;
  std::unique_ptr<store::database> database;

private:
  const handlers::operation* found(std::string_view operation) const {
    const handlers::operation* there = actor_->find(operation).how;
    BOOST_REQUIRE(there != nullptr);
    return there;
  }

  const handlers::effect& found_effect(const store::effect_row& row) const {
    const handlers::effect* there = actor_->find_effect(row.name);
    BOOST_REQUIRE(there != nullptr);
    return *there;
  }

  outcome<handlers::answered>
  run(const uuid& id, std::string_view operation, std::string_view body, std::string& reply) {
    requests_ = {};
    store::transaction writing{*database};
    turn turn{*actor_, database.get(), 1, id, {}, time.wall(), requests_};
    auto answered = std::get<handlers::command>(*found(operation)).run(body, turn, reply);
    if (answered) {
      writing.commit();
    }
    return answered;
  }

  const std::string capability_ = "test";
  const std::string node_ = "n1";
  config_tree settings_;
  observe::event_log log_{time, "n1", observe::log_format::text};
  uuid_source ids_{1};
  turn_requests requests_;
  std::unique_ptr<actor> actor_;
};

/// Parts of a `config`, as a topology file would have them.
config_tree map_of(std::vector<config_tree::entry> entries);
config_tree scalar_of(std::string text);

/// The shop's actor type called `name`.
actor_type type_named(const std::string& name);

/// Whether `got` was refused for `reason`.
template <class T>
bool is_refused(const outcome<T>& got, std::string_view reason) {
  return !got && got.error().code == errc::rejected && got.error().detail("reason") == reason
         && !got.error().message.empty();
}

template <class T>
bool is_invalid(const outcome<T>& got) {
  return !got && got.error().code == errc::invalid;
}

} // namespace troupe::shop::test
