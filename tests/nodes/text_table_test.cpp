#include "nodes/text_table.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

using namespace std::chrono_literals;

} // namespace

BOOST_AUTO_TEST_SUITE(nodes_text_table, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(numbers_stand_right_and_words_left) {
  text_table table{{{"topic"}, {"events", text_table::side::right}, {"nodes"}}};

  table.add({"order.created", "7", "n1"});
  table.add({"a", "12345678", ""});

  BOOST_TEST(
      table.text()
      == "  topic            events  nodes\n"
         "  order.created         7  n1\n"
         "  a              12345678  -\n");
}

BOOST_AUTO_TEST_CASE(last_cells_that_do_not_fit_stand_below_their_row) {
  text_table table{{{"topic"}, {"events", text_table::side::right}, {"nodes"}, {"listens to"}}};

  table.add({"order.created", "7", "n1, n2", "order.*"});
  table.add_below("      said by others");
  table.add({"a", "12345678", "", "*"});

  BOOST_TEST(
      table.text(30)
      == "  topic            events\n"
         "  order.created         7\n"
         "      nodes n1, n2, listens to\n"
         "      order.*\n"
         "      said by others\n"
         "  a              12345678\n"
         "      listens to *\n");
  BOOST_TEST(
      table.text(41).starts_with("  topic            events  nodes   listens to\n") == false);
  BOOST_TEST(table.text(45).starts_with("  topic            events  nodes   listens to\n"));
}

BOOST_AUTO_TEST_CASE(a_table_has_one_column_at_least) {
  text_table table{{{"topic"}, {"events"}}};

  table.add({"order.created", "7"});

  BOOST_TEST(table.text(10) == "  topic\n  order.created\n      events 7\n");
}

BOOST_AUTO_TEST_CASE(what_is_not_ascii_stays_aligned) {
  text_table table{{{"key"}, {"x"}}};

  table.add({"Übergrößen", "1"});
  table.add({"abc", "2"});

  BOOST_TEST(table.text() == "  key         x\n  Übergrößen  1\n  abc         2\n");
}

BOOST_AUTO_TEST_CASE(what_takes_two_columns_or_none_stays_aligned) {
  text_table table{{{"key"}, {"x"}}};

  table.add({"東京-7", "1"});
  table.add({"e\u0301t\u00e9", "2"});
  table.add({"한국어 🙂", "3"});

  BOOST_TEST(
      table.text()
      == "  key        x\n  東京-7     1\n  e\u0301t\u00e9        2\n  한국어 🙂  3\n");
  BOOST_TEST(first_characters("東京", 3) == "東");
  BOOST_TEST(cell_text("東京都", 4) == "東京...");
  for (const std::string& each : {std::string{"\xe6\x9d"}, std::string{"\xff\xfe"}}) {
    BOOST_TEST(width_of(each) == 2U); // No UTF-8: a column for each byte, and all of them are kept.
    BOOST_TEST(first_characters(each, 2) == each);
  }
}

// A line must not say something else than it holds.
BOOST_AUTO_TEST_CASE(a_cell_does_not_turn_text_round) {
  BOOST_TEST(cell_text("a\u202eb\u2066c\u200bd\ufeff") == "a?b?c?d?");
}

// What others sent must not move the cursor or colour the terminal.
BOOST_AUTO_TEST_CASE(a_cell_is_one_line_without_control_characters) {
  BOOST_TEST(cell_text("a\x1b[31mb\tc\x7f") == "a?[31mb?c?");
  BOOST_TEST(
      cell_text("a\xc2\x9b"
                "31m")
      == "a?31m");
  BOOST_TEST(
      cell_text("a\xe2\x80\xae"
                "b\xe2\x80\xa8"
                "c\x9b"
                "d")
      == "a?b?c?d");
  BOOST_TEST(cell_text("first\nsecond") == "first");
  BOOST_TEST(cell_text("") == "-");
  BOOST_TEST(cell_text("größer", 3) == "grö...");
  BOOST_TEST(cell_text("groß", 4) == "groß");
}

BOOST_AUTO_TEST_CASE(a_line_is_cut_between_characters) {
  BOOST_TEST(first_characters("größer", 3) == "grö");
  BOOST_TEST(first_characters("groß", 4) == "groß");
  BOOST_TEST(first_characters("", 4) == "");
}

// Advice is copied into a shell.
BOOST_AUTO_TEST_CASE(lines_that_are_too_wide_go_on_below_indented_further) {
  BOOST_TEST(
      fitted("short\n  one that is wide\n\nend", 12)
      == "short\n  one that\n      is wide\n\nend\n");
}

BOOST_AUTO_TEST_CASE(a_word_of_a_shell_is_one_word_and_no_command) {
  BOOST_TEST(shell_word("/etc/troupe/shop-1.yaml") == "/etc/troupe/shop-1.yaml");
  BOOST_TEST(shell_word("a b.yaml") == "'a b.yaml'");
  BOOST_TEST(shell_word("$(id);'.yaml") == "'$(id);'\\''.yaml'");
  BOOST_TEST(shell_word("") == "''");
}

BOOST_AUTO_TEST_CASE(an_age_has_its_two_largest_units) {
  BOOST_TEST(age_text(-5ms) == "0ms");
  BOOST_TEST(age_text(850ms) == "850ms");
  BOOST_TEST(age_text(12'999ms) == "12s");
  BOOST_TEST(age_text(192s) == "3m 12s");
  BOOST_TEST(age_text(125min) == "2h 5m");
  BOOST_TEST(age_text(99h) == "4d 3h");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
