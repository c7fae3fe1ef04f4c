#include "runtime/actor/registry.hpp"

#include "runtime/actor/saga_actor.hpp"
#include "runtime/actor/saga_list.hpp"
#include "runtime/saga/collisions.hpp"
#include "runtime/saga/journal.hpp"
#include "runtime/saga/plan.hpp"
#include "runtime/store/event_store.hpp"
#include "runtime/store/turn/tables.hpp"
#include "runtime/thrown.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <stdexcept>

namespace troupe {

namespace {

/// The plans of `sagas`, tuned by `config`. Adds the faults of `config` to `faults`.
std::vector<saga::plan> plans_of(
    const std::vector<saga::definition>& sagas,
    const config_tree& config,
    std::vector<fault>& faults) {
  std::vector<saga::plan> plans;
  config_reader keys{config, "config", faults};
  for (const saga::definition& declared : sagas) {
    saga::tuning tuned;
    file_position at = config.at;
    if (const config_tree* tree = keys.tree(declared.operation)) {
      at = tree->at;
      read_config(*tree, "config." + declared.operation, tuned, faults);
    }
    auto made = saga::plan::make(declared, tuned);
    if (made) {
      plans.push_back(std::move(*made));
      continue;
    }
    for (fault& wrong : made.error()) {
      wrong.at = at;
      wrong.what = "saga `" + declared.operation + "`: " + wrong.what;
      faults.push_back(std::move(wrong));
    }
  }
  keys.finish();
  return plans;
}

} // namespace

std::vector<store::component> components_of(const actor_type& type) {
  const auto turn = store::turn_components();
  std::vector<store::component> parts{turn.begin(), turn.end()};
  if (!type.sagas.empty()) {
    const auto sagas = saga::journal_components();
    parts.insert(parts.end(), sagas.begin(), sagas.end());
  }
  if (type.keeps_events) {
    parts.push_back({"troupe.events", store::event_migrations()});
  }
  if (!type.schema.empty()) {
    // The last, since its migrations may write events for older rows.
    parts.push_back({type.name, type.schema});
  }
  return parts;
}

outcome<void> migrate(store::database& session, const clock& time, const actor_type& type) {
  return store::migrate(session, time, components_of(type));
}

actor_type with_declarations(actor_type type) {
  const system_clock time;
  observe::event_log log{time, type.name, observe::log_format::text};
  const std::string node = "trial";
  const std::string folder;
  const config_tree no_config;
  outcome<wire::actor_description> declared;
  try {
    const auto made = type.make({type.name, 0, node, folder, no_config, time, log, true});
    declared = made->declarations();
    type.has_effects = made->has_effects();
    type.needs_store = made->needs_store();
  } catch (...) {
    throw std::logic_error{fmt::format(
        "actor type `{}` cannot be registered, as its constructor throws without a `config`: {}. "
        "Let it do what needs one only if `context.is_trial` is false",
        type.name,
        what_was_thrown())};
  }
  if (!declared) {
    throw std::logic_error{fmt::format(
        "actor type `{}` cannot be registered: {}", type.name, declared.error().message)};
  }
  type.description = std::move(*declared);
  type.description.actor = type.name;
  return type;
}

actor_type with_names(
    actor_type type,
    const std::vector<std::string>& operations,
    const std::vector<std::string>& handles) {
  std::set<std::string> answered;
  for (const wire::operation_description& each : type.description.operations) {
    answered.insert(each.name);
  }
  std::set<std::string> heard;
  for (const wire::topic_description& each : type.description.handles) {
    heard.insert(each.pattern);
  }
  if (answered != std::set(operations.begin(), operations.end())
      || heard != std::set(handles.begin(), handles.end())) {
    throw std::logic_error{fmt::format(
        "actor type `{}` cannot be registered: its constructor declares the operations [{}] and "
        "handles the topics [{}]; name the same ones, or none",
        type.name,
        fmt::join(answered, ", "),
        fmt::join(heard, ", "))};
  }
  return type;
}

actor_type saga_type(std::string name, std::vector<saga::definition> sagas) {
  const auto twice = saga::collisions_among(sagas);
  if (!twice.empty()) {
    throw std::logic_error{fmt::format(
        "actor type `{}` cannot be registered: {}. {}",
        name,
        twice.front().what,
        twice.front().remedy)};
  }
  wire::actor_description description{.actor = name};
  wire::schema_book types;
  for (const saga::definition& each : sagas) {
    const wire::message_shape* const input = saga::input_of(each);
    const wire::message_shape* const answer = each.answer.body;
    description.operations.push_back(
        {each.operation,
         wire::operation_kind::saga,
         input == nullptr ? std::nullopt : std::optional{types.add(*input)},
         answer == nullptr ? std::nullopt : std::optional{types.add(*answer)}});
  }
  // The shapes of replies, in the order of plan_book's numbers.
  const auto named = [&](const wire::message_shape* shape) {
    return shape == nullptr ? std::nullopt : std::optional{types.add(*shape)};
  };
  const auto* const undone = &wire::message_shape_of<saga::undo_saga>();
  for (const saga::definition& each : sagas) {
    if (!each.undo.empty()) {
      description.operations.push_back(
          {each.undo, wire::operation_kind::saga, named(undone), named(undone)});
    }
  }
  for (const saga::definition& each : sagas) {
    for (const saga::step& step : each.steps) {
      const bool waits = step.act == saga::step_act::wait;
      if (waits && !step.operation.empty()) {
        description.operations.push_back(
            {step.operation,
             wire::operation_kind::command,
             named(step.hears.type),
             named(&wire::message_shape_of<answer_taken>())});
      }
      if (waits && !step.topic.empty()) {
        description.handles.push_back({step.topic, named(step.hears.type)});
      }
    }
  }
  description.operations.push_back(
      {"sagas",
       wire::operation_kind::query,
       named(&wire::message_shape_of<list_sagas>()),
       named(&wire::message_shape_of<listed_sagas>())});
  description.types = types.take();
  if (const auto wrong = fault_in(description)) {
    throw std::logic_error{fmt::format("actor type `{}` cannot be registered: {}", name, *wrong)};
  }
  return {
      .name = std::move(name),
      .make = [sagas](const context& context) -> std::unique_ptr<actor> {
        std::vector<fault> faults;
        auto plans = plans_of(sagas, context.settings, faults);
        if (!faults.empty()) {
          throw std::invalid_argument{faults.front().what};
        }
        return std::make_unique<saga_actor>(std::move(plans));
      },
      .check_config =
          [sagas](const config_tree& tree, std::vector<fault>& faults) {
            (void)plans_of(sagas, tree, faults);
          },
      .description = std::move(description),
      .sagas = std::move(sagas)};
}

const actor_type* registry::find(const std::string& name) const {
  const auto found = std::ranges::find(types_, name, &actor_type::name);
  return found == types_.end() ? nullptr : &*found;
}

} // namespace troupe
