#include "tests/nodes/commands_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe {

// `troupe dead-letters` and `troupe scheduled`.

BOOST_FIXTURE_TEST_SUITE(
    nodes_waiting_events, commands_fixture, *utf::label("integration") * utf::timeout(240))

BOOST_AUTO_TEST_CASE(dead_letters_are_listed) {
  answers(wire::letters_found{{some_letter()}, {}});
  const auto done = run("dead-letters list", fmt::format("--capability x --after {}", some_id));
  answers(wire::letters_found{{some_letter()}, some_letter().id});
  const auto full = run("dead-letters list", "--count 2"); // Two answers.
  const auto json = run("dead-letters list", "--json");

  BOOST_TEST(done.code == 0);
  BOOST_TEST(contains(
      done.out,
      "     10  transient  notifications  order.confirmed\n"
      "      key order-1: the mail server is away\n"));
  BOOST_TEST(contains(done.out, some_id));
  BOOST_TEST(contains(full.out, fmt::format("continue with --after {}", some_id)));
  BOOST_TEST(contains(json.out, R"("error":"the mail server is away\nsecond line",)"));
  const auto question = asked().at(0).as<wire::get_dead_letters>();
  BOOST_TEST(question.capability.value() == "x");
  BOOST_TEST(to_string(question.after.value()) == some_id);
  BOOST_TEST(question.count == 100U);
  answers(wire::letters_found{});
  BOOST_TEST(run("dead-letters list", "").out == "there are no dead letters\n");
  BOOST_TEST(
      run("dead-letters list", "--capability x").out == "there are no dead letters of `x`\n");
}

BOOST_AUTO_TEST_CASE(a_list_of_dead_letters_takes_100_columns) {
  auto letter = some_letter();
  letter.key = std::string(200, 'k');
  letter.error = std::string(3'000, 'e');
  answers(wire::letters_found{{letter, letter}, {}});

  const auto done = run("dead-letters list", "");

  std::istringstream lines{done.out};
  for (std::string line; std::getline(lines, line);) {
    BOOST_TEST(line.size() <= 100U, line);
  }
}

BOOST_AUTO_TEST_CASE(dead_letters_are_chosen_by_filters) {
  const std::string filters = "--topic 'order.*' --cause transient --older 2026-11-24T08:00:00Z";
  auto young = some_letter();
  young.last_at = eight;
  answers(wire::letters_found{{some_letter(), young}, {}});
  const auto listed = run("dead-letters list", filters + " --since 2026-01-01T00:00:00Z");
  answers(wire::letters_retried{2, {}});
  const auto tried = run("dead-letters retry", "--all --dry-run " + filters);
  answers(wire::letters_dropped{1});
  const auto dropped = run("dead-letters drop", "--all --capability x");

  // Those that do not fit come from a broker of an earlier release.
  BOOST_TEST(listed.out == "there are no dead letters that fit\n");
  BOOST_TEST(tried.out == "2 events would be delivered again\n");
  BOOST_TEST(dropped.out == "1 dead letter is forgotten\n");
  const auto sent = asked();
  BOOST_REQUIRE(sent.size() == 3U);
  const auto which = sent[0].as<wire::get_dead_letters>().which.value();
  BOOST_TEST(which.topic.value() == "order.*");
  BOOST_TEST(which.cause.value() == "transient");
  BOOST_TEST(which.before.value() == eight);
  BOOST_TEST(which.since.has_value());
  BOOST_TEST(sent[1].operation == "retry_dead_letters");
  BOOST_TEST(sent[1].as<wire::change_dead_letters>().dry_run);
  BOOST_TEST(sent[2].operation == "drop_dead_letters");
  BOOST_TEST(sent[2].as<wire::change_dead_letters>().which.capability.value() == "x");
  for (const auto* wrong : {"--cause late", "--topic Order", "--since yesterday"}) {
    BOOST_TEST(run("dead-letters list", wrong).code == 2, wrong);
  }
  BOOST_TEST(run("dead-letters retry", fmt::format("{} --dry-run", some_id)).code == 2);
  BOOST_TEST(run("dead-letters drop", "--topic a").code == 2);
}

BOOST_AUTO_TEST_CASE(filters_that_an_older_broker_does_not_know_change_nothing) {
  answer_by([](const question&) -> answer {
    return failure{error{.code = errc::unknown_operation, .message = "it has read, topics"}};
  });

  const auto done = run("dead-letters drop", "--all --cause transient");

  BOOST_TEST(done.code == 4);
  BOOST_TEST(contains(done.err, "is of an earlier release"));
}

BOOST_AUTO_TEST_CASE(scheduled_events_are_listed) {
  wire::waiting_event one{
      .id = parse_uuid(some_id).value(),
      .due_at = eight,
      .topic = "order.reminded",
      .key = std::string(200, 'k'),
      .body_bytes = 8};
  answer_by([&, pages = 0](const question&) mutable -> answer {
    // The first page has looked at others.
    return ++pages == 1 ? wire::encoded(wire::scheduled_found{{}, eight - 1, one.id})
                        : wire::encoded(wire::scheduled_found{{one}, {}, {}});
  });

  const auto done = run("scheduled list", "--topic 'order.*' --due-before 2026-11-24T09:00:00Z");
  answers(wire::scheduled_found{{one}, {}, {}});
  const auto json = run("scheduled list", "--json");

  BOOST_TEST_CONTEXT(done.out) {
    BOOST_TEST(done.code == 0);
    BOOST_TEST(contains(done.out, fmt::format("  {}  2026-11-24T08:00:00Z  ", some_id)));
    BOOST_TEST(contains(done.out, "next: `troupe scheduled show`"));
    std::istringstream lines{done.out};
    for (std::string line; std::getline(lines, line);) {
      BOOST_TEST(line.size() <= 100U);
    }
  }
  BOOST_TEST(contains(json.out, R"("due_at":"2026-11-24T08:00:00.000Z","topic":"order.reminded")"));
  const auto sent = asked();
  BOOST_REQUIRE(sent.size() == 3U);
  BOOST_TEST(sent[0].operation == "scheduled");
  BOOST_TEST(sent[0].as<wire::get_scheduled>().topic.value() == "order.*");
  BOOST_TEST(sent[0].as<wire::get_scheduled>().before.value() == eight + 3'600'000);
  BOOST_TEST(sent[1].as<wire::get_scheduled>().from.value() == eight - 1);
  answers(wire::scheduled_found{});
  BOOST_TEST(run("scheduled list", "").out == "no such event is scheduled\n");
}

BOOST_AUTO_TEST_CASE(a_scheduled_event_is_shown_and_cancelled) {
  const uuid id = parse_uuid(some_id).value();
  answers(wire::waiting_event{
      .id = id,
      .due_at = eight,
      .topic = "order.reminded",
      .key = "order-1",
      .body_bytes = 1'500,
      .body = wire::binary_value{packed(R"({"total":5})")}});
  const auto shown = run("scheduled show", std::string{some_id});
  answers(wire::scheduled_cancelled{id, "order.reminded", eight});
  const auto done = run("scheduled cancel", fmt::format("{} --reason 'sold out'", some_id));

  BOOST_TEST(contains(shown.out, "  due    2026-11-24T08:00:00Z, "));
  BOOST_TEST(contains(shown.out, "  size   1.5KiB\n"));
  BOOST_TEST(contains(shown.out, "\"total\": 5"));
  BOOST_TEST(done.code == 0);
  BOOST_TEST(contains(done.out, "order.reminded will not be published"));
  const auto sent = asked().at(1).as<wire::cancel_scheduled>();
  BOOST_TEST((sent.id == id));
  BOOST_TEST(sent.why == "sold out");
  BOOST_TEST(!sent.who.empty());
  BOOST_TEST(run("scheduled cancel", std::string{some_id}).code == 2);
  BOOST_TEST(run("scheduled cancel", "x --reason y").code == 2);
}

BOOST_AUTO_TEST_CASE(one_thing_and_many_are_counted_in_words) {
  answers(wire::letters_retried{1, {}});
  BOOST_TEST(run("dead-letters retry", "--all").out == "1 event is delivered again\n");
  BOOST_TEST(
      run("dead-letters retry", "--all --dry-run").out == "1 event would be delivered again\n");
  BOOST_TEST(
      run("dead-letters retry", "--all --dry-run --json").out
      == "{\"retried\":1,\"dry_run\":true}\n");
  answers(wire::letters_dropped{3});
  BOOST_TEST(run("dead-letters drop", "--all").out == "3 dead letters are forgotten\n");
  BOOST_TEST(
      run("dead-letters drop", "--all --dry-run --json").out
      == "{\"dropped\":3,\"dry_run\":true}\n");
}

BOOST_AUTO_TEST_CASE(an_event_that_came_meanwhile_is_not_cancelled) {
  answer_by([](const question&) -> answer {
    return failure{rejected("published", "it is published already, at position 7")};
  });

  const auto done = run("scheduled cancel", fmt::format("{} --reason y", some_id));

  BOOST_TEST(done.code == 3);
  BOOST_TEST(contains(done.err, "at position 7"));
  BOOST_TEST(contains(done.err, "next: `troupe tail FILE TOPIC`"));
}

BOOST_AUTO_TEST_CASE(dead_letters_that_nobody_would_get_are_said_to_stay) {
  answers(wire::letters_retried{1, std::vector<wire::letters_kept>{{"notes", "note.taken", 3}}});

  const auto done = run("dead-letters retry", "--all --capability notes --to memos");

  BOOST_TEST(done.code == 3);
  BOOST_TEST(contains(
      done.out, "1 event is delivered again\nkept, since no capability would get them:\n"));
  BOOST_TEST(contains(done.out, "notes       note.taken"));
  const auto sent = asked().at(0).as<wire::retry_dead_letter>();
  BOOST_TEST(sent.to.value() == "memos");
  BOOST_TEST(sent.capability.value() == "notes");
  const auto json = run("dead-letters retry", "--all --json");
  BOOST_TEST(
      json.out
      == R"({"retried":1,"kept":[{"capability":"notes","topic":"note.taken","dead_letters":3}]})"
         "\n");
}

BOOST_AUTO_TEST_CASE(a_dead_letter_is_shown_with_all_that_is_known) {
  auto letter = some_letter();
  letter.body = wire::binary_value{packed(R"({"total":5})")};
  answers(letter);

  const auto done = run("dead-letters show", std::string{some_id});

  BOOST_TEST_CONTEXT(done.out) {
    BOOST_TEST(done.code == 0);
    BOOST_TEST(contains(done.out, "\n  cause        transient\n"));
    BOOST_TEST(contains(done.out, "\n  on           n1, replica 2\n"));
    BOOST_TEST(contains(
        done.out, "\n  error        the mail server is away\n               second line\n"));
    BOOST_TEST(contains(done.out, "{\n  \"total\": 5\n}\n"));
  }
  BOOST_TEST(contains(
      run("dead-letters show", fmt::format("{} --json", some_id)).out, R"("body":{"total":5}})"));
}

BOOST_AUTO_TEST_CASE(dead_letters_are_delivered_again) {
  answers(wire::letters_retried{2, {}});

  const auto one = run("dead-letters retry", std::string{some_id});
  const auto all = run("dead-letters retry", "--all --capability x");

  BOOST_TEST(one.code == 0);
  BOOST_TEST(all.out == "2 events are delivered again\n");
  const auto sent = asked();
  BOOST_REQUIRE(sent.size() == 2U);
  const auto first = sent[0].as<wire::retry_dead_letter>();
  BOOST_TEST(to_string(first.id.value()) == some_id);
  BOOST_TEST(!first.all.value_or(false));
  const auto second = sent[1].as<wire::retry_dead_letter>();
  BOOST_TEST(second.all.value());
  BOOST_TEST(second.capability.value() == "x");
  answers(wire::letters_retried{0, {}});
  BOOST_TEST(run("dead-letters retry", "--all").out == "there are no dead letters\n");
  BOOST_TEST(run("dead-letters retry", "").code == 2);
  BOOST_TEST(run("dead-letters retry", "x").code == 2);
  BOOST_TEST(run("dead-letters retry", fmt::format("{} --all", some_id)).code == 2);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_is_dropped) {
  answers(wire::letter_dropped{true});

  BOOST_TEST(run("dead-letters drop", std::string{some_id}).code == 0);
  BOOST_TEST(to_string(asked().at(0).as<wire::drop_dead_letter>().id) == some_id);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_that_is_not_there_says_where_to_look) {
  answer_by([](const question& asked) -> answer {
    if (asked.operation == "drop_dead_letter") {
      return wire::encoded(wire::letter_dropped{false});
    }
    if (asked.operation == "retry_dead_letter") {
      return wire::encoded(wire::letters_retried{0, {}});
    }
    return failure{rejected("no_dead_letter", "there is none")};
  });

  for (const auto* command : {"show", "retry", "drop"}) {
    const auto done = run(fmt::format("dead-letters {}", command), std::string{some_id});
    BOOST_TEST(done.code == 3);
    BOOST_TEST(contains(done.err, "next: `troupe dead-letters list`"));
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
