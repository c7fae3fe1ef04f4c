#include "runtime/store/postgres/error.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>

namespace troupe::store {

namespace {

std::string_view field(const PGresult* of, int code) {
  const char* const text = PQresultErrorField(of, code);
  return text == nullptr ? std::string_view{} : std::string_view{text};
}

bool is_of(std::string_view state, std::string_view of_class) {
  return state.substr(0, of_class.size()) == of_class;
}

bool ends_connection(const PGresult* failed) {
  const std::string_view severity = field(failed, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == "FATAL" || severity == "PANIC";
}

/// Advice for the operator where the server's message gives none.
std::string_view advice_for(std::string_view state) {
  if (state == "42501") {
    return "; GRANT the role what is missing";
  }
  if (state == "53100") {
    return "; make room on the disk of the database server";
  }
  if (state == "55P03") {
    return "; another session holds the lock: see `SELECT * FROM pg_stat_activity`";
  }
  return {};
}

} // namespace

database_fault fault_of_state(std::string_view state) {
  // Class 22: the value does not fit its column (out of range, NUL in a text). Class 54: it does
  // not fit an index.
  if (is_of(state, "23") || is_of(state, "22") || is_of(state, "54")) {
    return database_fault::constraint;
  }
  // Serialization failure, deadlock, lock not available, out of memory.
  if (state == "40001" || state == "40P01" || state == "55P03" || state == "53200") {
    return database_fault::busy;
  }
  if (state == "57014") { // Cancelled, for example by statement_timeout.
    return database_fault::too_long;
  }
  if (state == "53100") {
    return database_fault::full;
  }
  // Connection lost, server stopping or starting, or a primary that has become a standby.
  if (is_of(state, "08") || is_of(state, "57P") || state == "25P03" || state == "53300"
      || state == "25006") {
    return database_fault::away;
  }
  if (is_of(state, "XX00") && state != "XX000") {
    return database_fault::corrupt;
  }
  if (is_of(state, "58")) {
    return database_fault::io;
  }
  if (is_of(state, "42") || is_of(state, "0A") || is_of(state, "3F") || is_of(state, "26")) {
    return database_fault::schema;
  }
  return database_fault::other;
}

std::string_view state_of(const PGresult* failed) {
  return field(failed, PG_DIAG_SQLSTATE);
}

int native_code_of(std::string_view state) {
  int number = 0;
  for (const char each : state.substr(0, 5)) {
    const int digit = each >= '0' && each <= '9' ? each - '0' : (each - 'A') % 26 + 10;
    number = number * 36 + digit;
  }
  return number;
}

std::string without_line_ends(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  while (!text.empty() && text.back() == ' ') {
    text.pop_back();
  }
  return text;
}

database_error postgres_failure(const PGresult* failed, std::string_view sql) {
  const std::string_view state = state_of(failed);
  if (state.empty()) {
    // An error made by libpq: the server violated the protocol.
    return database_error{
        database_fault::away,
        fmt::format("{} (in: {})", PQresultErrorMessage(failed), sql.substr(0, sql_shown_max))};
  }
  const std::string_view detail = field(failed, PG_DIAG_MESSAGE_DETAIL);
  return database_error{
      ends_connection(failed) ? database_fault::away : fault_of_state(state),
      fmt::format(
          "{}{}{}{} [PostgreSQL {}] (in: {})",
          field(failed, PG_DIAG_MESSAGE_PRIMARY),
          detail.empty() ? "" : ": ",
          detail,
          advice_for(state),
          state,
          sql.substr(0, sql_shown_max)),
      native_code_of(state)};
}

} // namespace troupe::store
