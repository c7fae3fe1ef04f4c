#include "tests/nodes/commands_fixture.hpp"

#include <fstream>

namespace utf = boost::unit_test;

namespace troupe {

BOOST_FIXTURE_TEST_SUITE(
    nodes_event_commands, commands_fixture, *utf::label("integration") * utf::timeout(240))

BOOST_AUTO_TEST_CASE(publish_sends_an_event_under_its_topic) {
  answers(wire::published{41, false});

  const auto done = run("publish", R"(order.created '{"total":5}' --key order-1)");

  BOOST_TEST(done.code == 0);
  BOOST_TEST(done.out == "order.created is published, at position 41\n");
  const auto sent = asked();
  BOOST_REQUIRE(sent.size() == 1U);
  BOOST_TEST(sent[0].to == "troupe.publish");
  BOOST_TEST(sent[0].operation == "order.created");
  BOOST_TEST(sent[0].key == "order-1");
  BOOST_TEST(sent[0].json() == R"({"total":5})");
}

BOOST_AUTO_TEST_CASE(a_key_that_looks_like_a_list_is_one_key) {
  answers(wire::published{41, false});

  BOOST_TEST(run("publish", R"(order.created '{}' --key '["eu",1]')").code == 0);
  BOOST_TEST(run("call", R"(orders.create '{}' --key '["eu",1]')").code == 0);

  const auto sent = asked();
  BOOST_REQUIRE(sent.size() == 2U);
  BOOST_TEST(sent[0].key == R"(["eu",1])");
  BOOST_TEST(sent[1].key == R"(["eu",1])");
}

BOOST_AUTO_TEST_CASE(publish_says_that_an_id_was_used_before) {
  answers(wire::published{7, true});

  const auto done = run("publish", fmt::format("a '{{}}' --json --id {}", some_id));

  BOOST_TEST(done.code == 0);
  BOOST_TEST(
      done.out == fmt::format("{{\"position\":7,\"repeat\":true,\"id\":\"{}\"}}\n", some_id));
  BOOST_TEST(to_string(asked().at(0).id) == some_id);
  BOOST_TEST(contains(run("publish", "a '{}'").out, "was published before, at position 7"));
}

BOOST_AUTO_TEST_CASE(publish_schedules_what_is_to_come_later) {
  answers(wire::event_scheduled{parse_uuid(some_id).value()});

  const auto at = run("publish", "a '[1]' --key k --at 2026-11-24T08:00:00Z");
  const auto after = run("publish", "a '[1]' --after 5s --json");

  BOOST_TEST(at.out == "a will be published at 2026-11-24T08:00:00.000Z\n");
  BOOST_TEST(contains(after.out, fmt::format("\"id\":\"{}\",\"at\":\"20", some_id)));
  const auto sent = asked();
  BOOST_REQUIRE(sent.size() == 2U);
  BOOST_TEST(sent[0].to == "troupe.events");
  BOOST_TEST(sent[0].operation == "schedule");
  const auto first = sent[0].as<wire::schedule_event>();
  BOOST_TEST(first.topic == "a");
  BOOST_TEST(first.key == "k");
  BOOST_TEST(wire::to_json(first.body.bytes).value() == "[1]");
  BOOST_TEST(first.at.value() == eight);
  BOOST_TEST(!first.after.has_value());
  BOOST_TEST(sent[1].as<wire::schedule_event>().after.value() == 5'000);
}

BOOST_AUTO_TEST_CASE(publish_refuses_what_cannot_be_meant) {
  for (const auto* words :
       {"a",
        "a '{}' more",
        "Order '{}'",
        "a..b '{}'",
        "a '{}' --id x",
        "a '{}' --at tomorrow",
        "a '{}' --after 5",
        "a '{}' --after 3651d",
        "a '{}' --deadline 0s",
        "a '{}' --after 5s --at 2026-11-24T08:00:00Z"}) {
    BOOST_TEST_CONTEXT(words) {
      const auto done = run("publish", words);
      BOOST_TEST(done.code == 2);
      BOOST_TEST(done.out.empty());
      BOOST_TEST(!done.err.empty());
    }
  }
  BOOST_TEST(run("publish", "a '{'").code == 4);
  BOOST_TEST(asked().empty());
}

// A command does not wait for a broker that can never answer it: only another broker keeps the
// journal.
BOOST_AUTO_TEST_CASE(the_wrong_broker_names_the_right_one_at_once) {
  answer_by([](const question&) { return outcome<std::string>{failure{unavailable("b1")}}; });

  for (const auto* command : {"publish a '{}'", "topics", "dead-letters list", "tail a"}) {
    BOOST_TEST_CONTEXT(command) {
      const auto done = run(command, "");
      BOOST_TEST(done.code == 4);
      BOOST_TEST(contains(done.err, "unavailable: the journal is elsewhere"));
      BOOST_TEST(contains(done.err, "next: ask broker b1, which keeps the journal"));
    }
  }
  BOOST_TEST(asked().size() == 4U);
}

BOOST_AUTO_TEST_CASE(a_broker_that_has_no_time_is_asked_again_under_the_same_id) {
  answer_by([count = 0](const question&) mutable -> answer {
    if (++count < 3) {
      return failure{unavailable()};
    }
    return wire::encoded(wire::published{1, false});
  });

  BOOST_TEST(run("publish", "a '{}'").code == 0);
  const auto sent = asked();
  BOOST_REQUIRE(sent.size() == 3U);
  BOOST_TEST((sent[0].id == sent[2].id));
}

BOOST_AUTO_TEST_CASE(an_unknown_outcome_tells_the_id_to_ask_again_under) {
  const auto done = run("publish", fmt::format("a '{{}}' --deadline 300ms --id {}", some_id));

  BOOST_TEST(done.code == 5);
  BOOST_TEST(contains(done.err, some_id));
  BOOST_TEST(contains(done.err, fmt::format("next: publish it again with --id {}", some_id)));
  const auto called = run("call", fmt::format("a.b '{{}}' --deadline 300ms --id {}", some_id));
  BOOST_TEST(contains(called.err, fmt::format("next: repeat it with --id {}:", some_id)));
}

// Error texts come from actors, and those may pass on what callers sent.
BOOST_AUTO_TEST_CASE(an_error_says_nothing_to_the_terminal) {
  answer_by([](const question&) -> answer {
    error why = rejected("no\x1b]0;x", "no\x1b[2J\nmore\xc2\x9b\xe2\x80\xae");
    why.details.emplace_back("k\x1b", "v\x07");
    return failure{why};
  });

  const auto done = run("call", "a.b '{}'");

  BOOST_TEST(done.code == 3);
  BOOST_TEST(contains(done.err, "rejected: no?[2J\nmore??\n"));
  BOOST_TEST(!contains(done.err, "\x1b"));
  BOOST_TEST(!contains(done.err, "\x07"));
}

// A command without an id must not advise to ask again under its id.
BOOST_AUTO_TEST_CASE(no_id_is_spoken_of_where_there_is_none) {
  answer_by([](const question&) -> answer {
    return failure{error{
        .code = errc::deadline_exceeded,
        .possible = effect::unknown,
        .message = "no answer; ask again with the same id"}};
  });

  for (const auto* command : {"topics", "dead-letters list", "rebuild x", "history x y"}) {
    BOOST_TEST_CONTEXT(command) {
      const auto done = run(command, "--deadline 300ms");
      BOOST_TEST(done.code == 5);
      BOOST_TEST(contains(done.err, "deadline_exceeded: no answer in time\n"));
      BOOST_TEST(!contains(done.err, "id"));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_that_did_nothing_asks_for_no_id) {
  answer_by([](const question& asked) -> answer {
    return failure{error{
        .code = asked.to == "shut" ? errc::circuit_open : errc::overloaded,
        .message = "later",
        .retry_after = milliseconds{60'000}}}; // No question is out when the time is up.
  });

  const auto full = run("call", "full.a");
  const auto shut = run("call", "shut.a");

  BOOST_TEST(contains(full.err, "next: try again, or give it more time with --deadline"));
  BOOST_TEST(contains(shut.err, "next: `troupe breaker FILE CAPABILITY` shows its state"));
  BOOST_TEST(!contains(shut.err, "--deadline"));
}

// A disk that is full, or nobody who reads.
BOOST_AUTO_TEST_CASE(output_that_cannot_be_written_is_an_error) {
  answers(wire::events_read{{event_at(41, "a")}, 41, 41});
  const auto tail = run("tail", "--from oldest --count 1 >/dev/full");
  answers(wire::topics_state{});
  const auto topics = run("topics", "--json >/dev/full");
  const auto closed = run("topics", ">&-");

  for (const auto& done : {tail, topics, closed}) {
    BOOST_TEST(done.code == 4);
    BOOST_TEST(contains(done.err, "troupe: the output could not be written: "));
  }
}

BOOST_AUTO_TEST_CASE(wrong_usage_is_json_too) {
  for (const auto* command :
       {"publish a '{}' --deadline 0s --json",
        "publish a '{}' --after 5 --json",
        "call a --json",
        "tail Order --json",
        "topics more --json",
        "dead-letters retry x --json",
        "dead-letters list --count 0 --json",
        "history --json"}) {
    BOOST_TEST_CONTEXT(command) {
      const auto done = run(command, "");
      BOOST_TEST(done.code == 2);
      BOOST_TEST(done.err.empty());
      BOOST_TEST(done.out.starts_with(R"({"error":{"code":"invalid","effect":"none","message":")"));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_broker_is_an_endpoint) {
  for (const auto* text : {"foo", "tcp://foo", "tcp://:5550", "tcp://a:0", "tcp://a:x", "a:5550"}) {
    BOOST_TEST_CONTEXT(text) {
      const auto done = run("topics", fmt::format("--broker {}", text));
      BOOST_TEST(done.code == 2);
      BOOST_TEST(contains(done.err, fmt::format("--broker `{}`: write tcp://HOST:PORT", text)));
    }
  }
}

BOOST_AUTO_TEST_CASE(several_brokers_may_be_given) {
  answers(wire::topics_state{});

  BOOST_TEST(run("topics", "--broker tcp://127.0.0.1:1").code == 0);
  BOOST_TEST(run("call", "--broker tcp://127.0.0.1:1 a.b").code == 0);
}

BOOST_AUTO_TEST_CASE(a_body_that_is_no_json_says_where) {
  BOOST_TEST(contains(
      run("call", R"(a.b '{"total": five}')").err, "invalid: not JSON: line 1, column 12 cannot"));
  BOOST_TEST(contains(run("call", "a.b '{\n  5}'").err, "not JSON: line 2, column 3 cannot"));
  BOOST_TEST(contains(run("publish", "a '{\"total\":'").err, "it ends before it is complete"));
  BOOST_TEST(contains(run("publish", "a 1e999").err, "a number is too large"));
  BOOST_TEST(asked().empty());
}

BOOST_AUTO_TEST_CASE(tail_first_takes_a_place_and_then_waits_behind_it) {
  answer_by([](const question& asked) -> answer {
    const auto read = asked.as<wire::read_events>();
    if (!read.after) {
      return wire::encoded(wire::events_read{{}, 40, 40});
    }
    return wire::encoded(
        wire::events_read{{event_at(41, "order.created"), event_at(43, "a")}, 43, 43});
  });

  const auto done = run("tail", "order.* a --count 2");

  BOOST_TEST(done.code == 0);
  BOOST_TEST(
      done.out
      == "      41  2026-11-24T08:00:00.000Z  order.created     order-1  {\"total\":5}\n"
         "      43  2026-11-24T08:00:00.000Z  a                 order-1  {\"total\":5}\n");
  BOOST_TEST(done.err.empty());
  const auto sent = asked();
  BOOST_REQUIRE(sent.size() == 2U);
  const auto first = sent[0].as<wire::read_events>();
  BOOST_TEST((first.patterns == std::vector<std::string>{"order.*", "a"}));
  BOOST_TEST(first.from.value() == "new");
  BOOST_TEST(first.wait_ms == 0U);
  BOOST_TEST(first.count == 2U);
  const auto second = sent[1].as<wire::read_events>();
  BOOST_TEST(second.after.value() == 40U);
  BOOST_TEST(!second.from.has_value());
  BOOST_TEST(second.wait_ms > 0U);
}

BOOST_AUTO_TEST_CASE(tail_as_json_is_an_object_a_line) {
  answers(wire::events_read{{event_at(41, "a")}, 41, 41});

  const auto done = run("tail", "--from oldest --count 1 --json");

  BOOST_TEST(
      done.out
      == fmt::format(
          "{{\"position\":41,\"id\":\"{}\",\"topic\":\"a\",\"key\":\"order-1\",\"source\":"
          "\"orders\",\"time\":\"2026-11-24T08:00:00.000Z\",\"traceparent\":\"\",\"body\":{{"
          "\"total\":5}}}}\n",
          some_id));
  const auto first = asked().at(0).as<wire::read_events>();
  BOOST_TEST((first.patterns == std::vector<std::string>{"*"}));
  BOOST_TEST(first.from.value() == "oldest");
}

BOOST_AUTO_TEST_CASE(tail_goes_on_where_it_was_when_the_broker_is_back) {
  answer_by([count = 0](const question&) mutable -> answer {
    switch (++count) {
    case 1:
      return wire::encoded(wire::events_read{{event_at(1, "a")}, 5, 5});
    case 2:
      return failure{unavailable()};
    default:
      return wire::encoded(wire::events_read{{event_at(6, "a")}, 6, 6});
    }
  });

  const auto done = run("tail", "a --from oldest --count 2 --json");

  BOOST_TEST(done.code == 0);
  BOOST_TEST(contains(done.out, "\"position\":1,"));
  BOOST_TEST(contains(done.out, "\"position\":6,"));
  BOOST_TEST(contains(done.err, "it continues behind position 5 when the broker is back"));
  BOOST_TEST(contains(done.err, "answers again"));
  BOOST_TEST(asked().back().as<wire::read_events>().after.value() == 5U);
}

BOOST_AUTO_TEST_CASE(tail_does_not_take_another_journal_for_its_own) {
  answer_by([count = 0](const question&) mutable -> answer {
    const std::uint64_t last = ++count == 1 ? 100U : 3U;
    return wire::encoded(wire::events_read{{}, last, last});
  });

  const auto done = run("tail", "a");

  BOOST_TEST(done.code == 4);
  BOOST_TEST(contains(done.err, "the journal ends at 3, and this tail was at 100"));
}

// A copy that was brought back, and has grown past where the tail was.
BOOST_AUTO_TEST_CASE(tail_does_not_take_a_longer_journal_for_its_own) {
  const uuid mine{.bytes = {std::byte{1}}};
  const uuid other{.bytes = {std::byte{2}}};
  answer_by([=, count = 0](const question&) mutable -> answer {
    wire::events_read said{{}, 100, 100};
    said.life = mine;
    said.after_life = ++count < 3 ? mine : other;
    return wire::encoded(said);
  });

  const auto done = run("tail", "a");

  BOOST_TEST(done.code == 4);
  BOOST_TEST(contains(done.err, "written by others up to position 100"));
  BOOST_TEST(asked().size() == 3U);
}

BOOST_AUTO_TEST_CASE(tail_tells_once_what_retention_has_deleted) {
  answer_by([count = 0U](const question&) mutable -> answer {
    ++count;
    wire::events_read said{{event_at(count, "a")}, count, 90};
    said.deleted_to = 50;
    return wire::encoded(said);
  });

  const auto done = run("tail", "a --count 3");

  BOOST_TEST(done.err.find("retention has deleted") != std::string::npos);
  BOOST_TEST(done.err.find("retention has deleted") == done.err.rfind("retention has deleted"));
}

BOOST_AUTO_TEST_CASE(tail_refuses_what_means_no_topics_or_time) {
  BOOST_TEST(run("tail", "Order").code == 2);
  BOOST_TEST(run("tail", "'a*'").code == 2);
  BOOST_TEST(run("tail", "a --from yesterday").code == 2);
  for (const std::string count : {"0", "0x10", "-1", "1e3"}) {
    const auto done = run("tail", "a --count " + count);
    BOOST_TEST(done.code == 2);
    BOOST_TEST(contains(done.err, "`" + count + "` is no number from 1 to"));
  }
  BOOST_TEST(asked().empty());
}

BOOST_AUTO_TEST_CASE(topics_are_shown_with_who_listens) {
  wire::topics_state state{
      .journal = parse_uuid(some_id).value(), .last = 5'310, .topics = {}, .groups = {}};
  state.topics.push_back({"order.confirmed", 512, 65'536, 3, 5'310, eight, 3.25});
  state.topics.push_back({"a", 0, 0, 0, 0, 0, 0});
  state.topics.push_back({"b", 0, 0, 0, 0, 0, 0, 2, 1'000});
  state.groups.push_back(
      {"notifications", {"order.*", "a"}, 7, 4, 2, 1, 3, 3'000, 5'290, {"n1", "n2"}});
  state.groups.push_back(
      {"shelf", {"b"}, 0, 0, 0, 0, 0, std::nullopt, 1, {}, "it cannot read them"});
  state.groups.push_back({"audit", {"*"}, 0, 0, 0, 0, 0, std::nullopt, 5'310, {}});
  answers(state);

  const auto done = run("topics", "");
  const auto json = run("topics", "--json");

  BOOST_TEST(contains(done.out, "\n  shelf gets no events: it cannot read them\n"));
  BOOST_TEST(contains(json.out, R"("trouble":"it cannot read them")"));
  BOOST_TEST_CONTEXT(done.out) {
    BOOST_TEST(done.code == 0);
    BOOST_TEST(contains(done.out, fmt::format("journal {}, up to position 5310\n", some_id)));
    BOOST_TEST(contains(done.out, "  topic            events    bytes  first  last "));
    BOOST_TEST(contains(done.out, "  order.confirmed     512    64KiB      3  5310 "));
    BOOST_TEST(contains(done.out, "  3.2/s            -\n"));
    BOOST_TEST(contains(done.out, "  0.0/s  2, next now\n"));
    BOOST_TEST(contains(done.out, "next: `troupe scheduled list`"));
    BOOST_TEST(contains(
        done.out,
        "  notifications    7              3s        4          2         1     3  n1, n2  "
        "order.*, a\n"));
    BOOST_TEST(contains(done.out, "next: `troupe dead-letters list`"));
  }
  BOOST_TEST(contains(json.out, R"("topic":"order.confirmed","events":512,)"));
  BOOST_TEST(contains(json.out, R"("oldest_at":"2026-11-24T08:00:00.000Z","rate_per_s":3.25)"));
  BOOST_TEST(contains(json.out, R"("dead":3,"oldest_unacked_ms":3000,"cursor":5290,)"));
  BOOST_TEST(contains(json.out, R"("oldest_unacked_ms":null)"));
}

BOOST_AUTO_TEST_CASE(an_empty_journal_says_so) {
  answers(wire::topics_state{});

  const auto done = run("topics", "");

  BOOST_TEST(contains(done.out, "there are no events yet"));
  BOOST_TEST(contains(done.out, "nobody subscribes"));
  BOOST_TEST(run("topics", "more").code == 2);
}

BOOST_AUTO_TEST_CASE(a_history_is_read_to_its_end) {
  answer_by([](const question& asked) -> answer {
    if (contains(asked.json(), "\"from\":2")) {
      return packed(R"({"more":false,"events":[
          {"version":2,"type":"paid","at":1795507200000,"body":{"by":"card"}}]})");
    }
    return packed(R"({"more":true,"events":[
        {"version":1,"type":"order_placed","at":1795507200000,"body":{"total":5}}]})");
  });

  const auto done = run("history", fmt::format("orders {}", some_id));
  const auto json = run("history", fmt::format("orders {} --json", some_id));

  BOOST_TEST(done.code == 0);
  BOOST_TEST(
      done.out
      == fmt::format(
          "orders {}\n\n"
          "  version  when                      type          what\n"
          "        1  2026-11-24T08:00:00.000Z  order_placed  {{\"total\":5}}\n"
          "        2  2026-11-24T08:00:00.000Z  paid          {{\"by\":\"card\"}}\n",
          some_id));
  BOOST_TEST(contains(json.out, R"("version":2)"));
  BOOST_TEST(asked().at(0).to == "orders");
  BOOST_TEST(asked().at(0).operation == "history");
  BOOST_TEST(contains(asked().at(0).json(), some_id));
}

// Any capability may be asked, also one that has its own idea of the answer.
BOOST_AUTO_TEST_CASE(an_answer_without_end_ends) {
  answer_by([](const question& asked) -> answer {
    return asked.operation == "history"
               ? packed(R"({"more":true,"events":[{"version":1,"type":"a","at":1,"body":{}}]})")
               : packed(R"({"next":"again"})");
  });

  BOOST_TEST(contains(run("history", fmt::format("x {}", some_id)).err, "is not understood"));
  BOOST_TEST(contains(run("rebuild", "x").err, "is not understood"));
  answers(wire::published{1, false});
  BOOST_TEST(contains(run("history", fmt::format("x {}", some_id)).err, "is not understood"));
}

BOOST_AUTO_TEST_CASE(a_capability_without_history_is_named) {
  answer_by([](const question&) -> answer {
    return failure{error{.code = errc::unknown_operation, .message = "no `history`"}};
  });

  const auto done = run("history", fmt::format("users {}", some_id));

  BOOST_TEST(done.code == 4);
  BOOST_TEST(contains(done.err, "next: `users` keeps no history"));
}

BOOST_AUTO_TEST_CASE(a_rebuild_goes_on_slice_by_slice) {
  answer_by([](const question& asked) -> answer {
    return packed(
        contains(asked.json(), some_id)
            ? R"({"things":1,"events":5,"next":null})"
            : fmt::format(R"({{"things":2,"events":10,"next":"{}"}})", some_id));
  });

  BOOST_TEST(run("rebuild", "orders").out == "orders is rebuilt: 3 things, from 15 events\n");
  BOOST_TEST(run("rebuild", "orders --json").out == "{\"things\":3,\"events\":15}\n");
}

// The parser of command lines has its own idea of [1,2].
BOOST_AUTO_TEST_CASE(a_body_may_be_a_list) {
  answers(wire::published{1, false});

  BOOST_TEST(run("publish", "a '[1,2]'").code == 0);
  BOOST_TEST(run("call", "a.b '[1,2]'").code == 0);
  for (const question& each : asked()) {
    BOOST_TEST(each.json() == "[1,2]");
  }
}

// The file says which broker keeps the journal.
BOOST_AUTO_TEST_CASE(the_topology_says_whom_to_ask) {
  answers(wire::published{1, false});
  std::ofstream{folder + "/shop.yaml"} << fmt::format(
      "troupe: 1\nname: shop\nbrokers: {{b1: {{listen: 'tcp://127.0.0.1:9'}}, b2: {{listen: "
      "'{}'}}}}\n"
      "nodes: {{n1: {{}}}}\nevents: {{broker: b2}}\ncapabilities: {{users: {{}}}}\n",
      broker.endpoint());
  const std::string line =
      fmt::format("{} publish {}/shop.yaml a '{{}}' >/dev/null", TROUPE_COMMAND, folder);

  BOOST_TEST(std::system(line.c_str()) == 0);
  BOOST_TEST(asked().size() == 1U);
  // A capability that is gone may have left dead letters: only if there are none it is a mistake.
  answer_by([](const question& asked) -> answer {
    return asked.operation == "dead_letters" ? wire::encoded(wire::letters_found{})
                                             : wire::encoded(wire::letters_retried{0, {}});
  });
  for (const auto* command : {"list", "retry --all"}) {
    const std::string letters = fmt::format(
        "{} dead-letters {} {}/shop.yaml --capability user 2>&1 >/dev/null | grep -q 'has no "
        "capability `user`, did you mean `users`'",
        TROUPE_COMMAND,
        command,
        folder);
    BOOST_TEST(std::system(letters.c_str()) == 0);
  }
  BOOST_TEST(asked().size() == 3U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
