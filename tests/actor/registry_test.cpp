#include "runtime/actor/registry.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

struct question {};

TROUPE_MESSAGE(question)

struct door_opened {
  std::int64_t count = 0;
};

TROUPE_MESSAGE(door_opened, count)

struct door_options {
  std::string key = "under the mat";
};

TROUPE_MESSAGE(door_options, key)

std::optional<config_problem> problem_of(const door_options& options) {
  return options.key.empty() ? std::optional{config_problem{"`key` is empty", "name one"}}
                             : std::nullopt;
}

/// Opens something in its constructor, but not in a trial.
class door final : public actor {
public:
  explicit door(const context& context) {
    trials += context.is_trial ? 1 : 0;
    opened += context.is_trial ? 0 : 1;
    BOOST_TEST(context.config<door_options>().key == "under the mat");
    command("knock", [](const question& asked, turn&) { return asked; });
    query("is_open", [](const question& asked) { return asked; });
    on("bell.*", [](const question&, turn&) {});
    publishes<door_opened>("door.opened");
  }

  static inline int trials = 0;
  static inline int opened = 0;
};

/// Declares what cannot be, in one way or another.
template <int Way>
class muddled final : public actor {
public:
  explicit muddled(const context&) {
    query("ask", [](const question& asked) { return asked; });
    publishes<question>("t");
    if (Way == 0) {
      command("ask", [](const question& asked, turn&) { return asked; });
    } else if (Way == 1) {
      publishes<door_opened>("t");
    } else if (Way == 3 || Way == 4) {
      for (int i = Way; i < 5; ++i) {
        effect<question>(
            "mail",
            [](const question& asked, const effect_call&) -> outcome<question> { return asked; },
            [](const question&, const outcome<question>& sent, turn&) { return sent; });
      }
    } else if (Way == 5) {
      regularly([](turn&) {});
      regularly([](turn&) {});
    } else {
      on("No Topic", [](const question&, turn&) {});
    }
  }
};

const context& context_of_trial() {
  static const std::string word = "trial";
  static const config_tree nothing;
  static const system_clock time;
  static observe::event_log log{time, word, observe::log_format::text};
  static const context made{word, 0, word, word, nothing, time, log, true};
  return made;
}

/// Cannot be made without its config.
class demanding final : public actor {
public:
  explicit demanding(const context&) { throw std::runtime_error{"no url"}; }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_actor_registry, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_type_answers_and_hears_what_its_actor_declares) {

  const auto type = type_of<door, door_options>("door");

  const wire::actor_description& says = type.description;
  BOOST_TEST(says.actor == "door");
  BOOST_REQUIRE(says.operations.size() == 2U);
  BOOST_TEST(says.operations[0].name == "knock");
  BOOST_TEST((says.operations[0].kind == wire::operation_kind::command));
  BOOST_TEST(says.operations[1].name == "is_open");
  BOOST_TEST((says.operations[1].kind == wire::operation_kind::query));
  BOOST_TEST(says.operations[1].reply.value_or("") == "question");
  BOOST_REQUIRE(says.handles.size() == 1U);
  BOOST_TEST(says.handles[0].pattern == "bell.*");
  BOOST_REQUIRE(says.publishes.size() == 1U);
  BOOST_TEST(says.publishes[0].pattern == "door.opened");
  BOOST_TEST(says.publishes[0].event.value_or("") == "door_opened");
  BOOST_TEST(says.types.size() == 2U);
  BOOST_TEST(door::trials == 1);
  BOOST_TEST(door::opened == 0);
}

BOOST_AUTO_TEST_CASE(a_type_whose_actor_cannot_be_tried_is_refused_by_name) {
  const auto names_it = [](const std::logic_error& thrown) {
    const std::string what = thrown.what();
    return what.find("`demanding`") != std::string::npos
           && what.find("no url") != std::string::npos;
  };

  BOOST_CHECK_EXCEPTION(type_of<demanding>("demanding"), std::logic_error, names_it);
}

BOOST_AUTO_TEST_CASE(declarations_that_cannot_be_are_refused_by_name) {
  const auto says = [](const char* what) {
    return [what](const std::logic_error& thrown) {
      const std::string text = thrown.what();
      return text.find("`muddled`") != std::string::npos && text.find(what) != std::string::npos;
    };
  };

  BOOST_CHECK_EXCEPTION(
      type_of<muddled<0>>("muddled"), std::logic_error, says("the operation `ask` twice"));
  BOOST_CHECK_EXCEPTION(
      type_of<muddled<1>>("muddled"), std::logic_error, says("the topic `t` twice"));
  BOOST_CHECK_EXCEPTION(
      type_of<muddled<2>>("muddled"), std::logic_error, says("`No Topic` is neither a topic"));
}

// The second one of the name was never run.
BOOST_AUTO_TEST_CASE(an_effect_or_regular_work_declared_twice_is_refused) {
  const auto says = [](const char* what) {
    return [what](const std::logic_error& thrown) {
      return std::string_view{thrown.what()}.find(what) != std::string_view::npos;
    };
  };

  BOOST_CHECK_EXCEPTION(
      type_of<muddled<3>>("muddled"), std::logic_error, says("the effect `mail` twice"));
  BOOST_CHECK_EXCEPTION(type_of<muddled<5>>("muddled"), std::logic_error, says("`regularly`"));
}

// A topology might give such a capability no store: regular work was never done then, without a
// word, and whoever wanted a mail was refused for good.
BOOST_AUTO_TEST_CASE(effects_want_a_store_though_the_actor_has_no_tables_of_its_own) {
  BOOST_TEST(type_of<muddled<4>>("mailer").wants_store());
  BOOST_TEST((!type_of<door, door_options>("door").wants_store()));
}

// A saga type's operations and topics are judged as those of every actor.
BOOST_AUTO_TEST_CASE(sagas_that_wait_for_the_same_are_refused_by_the_names_of_their_steps) {
  const auto waiting = [](std::string operation, std::string step) {
    saga::definition made;
    made.operation = std::move(operation);
    made.steps.push_back(
        saga::waits<question>(std::move(step), "approve", milliseconds{500}, [](const question&) {
          return saga::heard{};
        }));
    return made;
  };
  const auto names_both = [](const std::logic_error& thrown) {
    const std::string what = thrown.what();
    return what.find("`trips`") != std::string::npos
           && what.find("step `first` of `book`") != std::string::npos
           && what.find("step `second` of `rent`") != std::string::npos;
  };

  BOOST_CHECK_EXCEPTION(
      saga_type("trips", {waiting("book", "first"), waiting("rent", "second")}),
      std::logic_error,
      names_both);
  BOOST_TEST(saga_type("trips", {waiting("book", "first")}).sagas.size() == 1U);
}

BOOST_AUTO_TEST_CASE(names_that_are_given_must_be_those_that_are_declared) {
  BOOST_TEST(
      (type_of<door, door_options>("door", {"is_open", "knock"}, {}, {"bell.*"}).name == "door"));

  BOOST_CHECK_EXCEPTION(
      (type_of<door, door_options>("door", {"knock"}, {}, {"bell.*"})),
      std::logic_error,
      [](const std::logic_error& thrown) {
        const std::string what = thrown.what();
        return what.find("`door`") != std::string::npos
               && what.find("[is_open, knock]") != std::string::npos;
      });
}

BOOST_AUTO_TEST_CASE(only_declared_events_of_the_declared_type_are_published) {
  door shut{context_of_trial()};
  const auto& question_type = wire::message_shape_of<question>();
  const auto& opened_type = wire::message_shape_of<door_opened>();

  BOOST_TEST(shut.may_publish("door.opened", opened_type).has_value());
  const auto other_topic = shut.may_publish("door.shut", opened_type);
  const auto other_type = shut.may_publish("door.opened", question_type);

  BOOST_REQUIRE(!other_topic);
  BOOST_TEST((other_topic.error().code == errc::internal));
  BOOST_TEST((other_topic.error().possible == effect::none));
  BOOST_TEST(other_topic.error().detail("reason") == "undeclared_topic");
  BOOST_TEST(
      other_topic.error().message.find("publishes<door_opened>(\"door.shut\")")
      != std::string::npos);
  BOOST_REQUIRE(!other_type);
  BOOST_TEST(
      other_type.error().message.find("declared events of type `door_opened`")
      != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_config_of_the_right_types_may_still_have_a_problem) {
  config_tree tree{.is = config_tree::kind::map, .at = {3, 5}};
  tree.entries.push_back({"key", {3, 6}, {.is = config_tree::kind::scalar, .at = {3, 11}}});
  std::vector<fault> faults;

  type_of<door, door_options>("door").check_config(tree, faults);

  BOOST_REQUIRE(faults.size() == 1U);
  BOOST_TEST(faults[0].what == "`key` is empty");
  BOOST_TEST((faults[0].at == file_position{3, 5}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
