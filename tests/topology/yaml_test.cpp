#include "topology/yaml.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

using kind = config_tree::kind;

config_tree good(std::string_view text) {
  yaml_document document = parse_yaml(text);
  BOOST_REQUIRE(document.complete);
  BOOST_REQUIRE(document.faults.empty());
  return std::move(document.tree);
}

fault only_fault(const yaml_document& document) {
  BOOST_REQUIRE(document.faults.size() == 1U);
  BOOST_TEST(!document.faults[0].remedy.empty());
  return document.faults[0];
}

fault refusal(std::string_view text) {
  const yaml_document document = parse_yaml(text);
  BOOST_TEST(!document.complete);
  return only_fault(document);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(topology_yaml, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(every_value_knows_its_line_and_column_from_1) {
  const config_tree tree = good("name: shop\nnodes:\n  n1: {host: here}\nlist: [a, b]\n");

  BOOST_TEST((tree.find("name")->at == file_position{1, 7}));
  BOOST_TEST((tree.entries[1].at == file_position{2, 1}));
  BOOST_TEST((tree.find("nodes")->find("n1")->at == file_position{3, 7}));
  BOOST_TEST((tree.find("nodes")->find("n1")->find("host")->at == file_position{3, 14}));
  BOOST_TEST((tree.find("list")->items[1].at == file_position{4, 11}));
}

BOOST_AUTO_TEST_CASE(scalars_are_their_text_whatever_they_look_like) {
  const config_tree tree = good("a: 0x10\nb: 'yes'\nc: 1.0\nd: !!int 5\n");

  BOOST_TEST(tree.find("a")->text == "0x10");
  BOOST_TEST(tree.find("b")->text == "yes");
  BOOST_TEST(tree.find("c")->text == "1.0");
  BOOST_TEST(tree.find("d")->text == "5");
}

BOOST_AUTO_TEST_CASE(an_empty_value_stands_at_its_key) {
  const config_tree tree = good("a:\n\nb: 1\n");

  BOOST_TEST((tree.find("a")->is == kind::null));
  BOOST_TEST((tree.find("a")->at == file_position{1, 1}));
}

BOOST_AUTO_TEST_CASE(a_text_without_content_is_an_empty_tree) {
  for (const auto* text : {"", "\n\n", "# nothing\n", "---\n"}) {
    const yaml_document document = parse_yaml(text);

    BOOST_TEST(document.complete);
    BOOST_TEST((document.tree.is == kind::null));
  }
}

BOOST_AUTO_TEST_CASE(aliases_are_replaced_by_what_they_stand_for) {
  const config_tree tree = good("a: &x {b: 1}\nc: *x\n");

  BOOST_TEST(tree.find("c")->find("b")->text == "1");
  BOOST_TEST((tree.find("c")->find("b")->at == file_position{1, 11}));
}

BOOST_AUTO_TEST_CASE(a_key_that_comes_twice_is_a_fault_and_the_first_is_kept) {
  const yaml_document document = parse_yaml("a: 1\nb: 2\na: 3\n");

  BOOST_TEST(document.complete);
  BOOST_TEST(document.tree.find("a")->text == "1");
  const fault wrong = only_fault(document);
  BOOST_TEST((wrong.at == file_position{3, 1}));
  BOOST_TEST(contains(wrong.what, "`a` comes a second time"));
  BOOST_TEST(contains(wrong.remedy, "line 1"));
}

BOOST_AUTO_TEST_CASE(keys_that_are_no_words_are_faults) {
  BOOST_TEST(contains(only_fault(parse_yaml("{[a]: 1}")).what, "key"));
  BOOST_TEST(contains(only_fault(parse_yaml("? {a: 1}\n: 2\n")).what, "key"));
  BOOST_TEST(contains(only_fault(parse_yaml("~: 1")).what, "key"));
  BOOST_TEST(contains(only_fault(parse_yaml("a: &x {b: 1}\nc:\n  <<: *x\n")).what, "merge"));
}

BOOST_AUTO_TEST_CASE(a_syntax_error_says_where_it_is) {
  const fault wrong = refusal("a: 1\nb: [1, 2\nc: 3\n");

  BOOST_TEST(contains(wrong.what, "not YAML"));
  BOOST_TEST(wrong.at.line >= 2);
  BOOST_TEST(wrong.at.column >= 1);
}

// A tab looks like blanks.
BOOST_AUTO_TEST_CASE(a_tab_in_the_indentation_is_named) {
  BOOST_TEST(contains(refusal("a:\n\tb: 1\n").remedy, "indent line 2 with blanks"));
  BOOST_TEST(contains(refusal("a:\n  b: 1\n \t c: [\n").remedy, "indent line 3"));
  BOOST_TEST(!contains(refusal("a: 1\nb: [1, 2\nc: 3\n").remedy, "tab"));
}

BOOST_AUTO_TEST_CASE(an_alias_needs_an_anchor_that_is_finished) {
  BOOST_TEST(refusal("a: *nobody\n").at.line == 1);
  BOOST_TEST(contains(refusal("a: &x {b: *x}\n").what, "inside"));
}

BOOST_AUTO_TEST_CASE(a_second_document_is_refused) {
  const fault wrong = refusal("a: 1\n---\nb: 2\n");

  BOOST_TEST(contains(wrong.what, "second YAML document"));
  BOOST_TEST(wrong.at.line == 2);
}

BOOST_AUTO_TEST_CASE(nesting_is_limited_also_through_aliases) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  good(nested(yaml_depth_max));

  BOOST_TEST(contains(refusal(nested(yaml_depth_max + 1)).what, "nested"));
  BOOST_TEST(contains(refusal(nested(100'000)).what, "nested"));
  BOOST_TEST(contains(
      refusal("a: &x " + nested(20) + "\nb: " + std::string(15, '[') + "*x").what, "nested"));
}

BOOST_AUTO_TEST_CASE(a_few_lines_of_aliases_cannot_fill_the_memory) {
  std::string text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 20; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + alias;
    for (int j = 0; j < 9; ++j) {
      text += ", " + alias;
    }
    text += "]\n";
  }

  BOOST_TEST(contains(refusal(text).what, "aliases"));
}

BOOST_AUTO_TEST_CASE(a_file_over_its_limit_is_not_parsed) {
  std::string text = "a: 1 #";
  text.resize(yaml_bytes_max, 'x');
  good(text);

  text += 'x';
  BOOST_TEST(contains(refusal(text).what, "bytes"));
}

// yaml-cpp passes broken UTF-8 on, and names end up in logs and on terminals.
BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_refused_where_they_stand) {
  BOOST_TEST((refusal(std::string_view{"a: 1\nb\0: 2\n", 11}).at == file_position{2, 2}));
  BOOST_TEST((refusal("a: 1\n\x04").at == file_position{2, 1}));
  for (const auto* bytes :
       {"\xff\xfe",
        "\xc0\x80",
        "\xe0\x80\x80",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf0\x80\x80\x80",
        "\xe2\x82",
        "\x80"}) {
    BOOST_TEST(contains(refusal(std::string{"a: "} + bytes).what, "UTF-8"));
  }
  good("\xef\xbb\xbf"
       "a: gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xad\n");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
