#include "runtime/store/copy/table.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <map>

namespace troupe::store {

namespace {

struct type_name {
  std::string_view text;
  column_type type;
};

/// PostgreSQL's names for the types of the shared SQL.
constexpr std::array<type_name, 7> server_types{
    {{"bigint", column_type::integer},
     {"integer", column_type::integer},
     {"smallint", column_type::integer},
     {"double precision", column_type::real},
     {"text", column_type::text},
     {"character varying", column_type::text},
     {"bytea", column_type::bytes}}};

/// Substrings of SQLite type names, in order of precedence.
/// @source https://www.sqlite.org/datatype3.html, section 3.1
constexpr std::array<type_name, 8> file_types{
    {{"INT", column_type::integer},
     {"CHAR", column_type::text},
     {"CLOB", column_type::text},
     {"TEXT", column_type::text},
     {"BLOB", column_type::bytes},
     {"REAL", column_type::real},
     {"FLOA", column_type::real},
     {"DOUB", column_type::real}}};

[[noreturn]] void
refuse_type(std::string_view table, std::string_view column, std::string_view is) {
  throw database_error{
      database_fault::schema,
      fmt::format(
          "the column {} of {} has the type `{}`, which SQLite and PostgreSQL do not share: use "
          "INTEGER, REAL, TEXT or BLOB",
          column,
          table,
          is)};
}

column_type server_type(std::string_view table, std::string_view column, std::string_view is) {
  const auto* const found = std::ranges::find(server_types, is, &type_name::text);
  if (found == server_types.end()) {
    refuse_type(table, column, is);
  }
  return found->type;
}

column_type file_type(std::string_view table, std::string_view column, std::string_view is) {
  std::string upper{is};
  std::ranges::transform(
      upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto* const found = std::ranges::find_if(file_types, [&](const type_name& each) {
    return upper.find(each.text) != std::string::npos;
  });
  if (found == file_types.end()) {
    refuse_type(table, column, is);
  }
  return found->type;
}

/// Indexes of the key's columns in the table, by position in the key, from 1.
using key_places = std::map<std::int64_t, std::size_t>;

void add_key(table& to, const key_places& places) {
  for (const auto& [place, column] : places) {
    to.key.push_back(column);
  }
}

std::vector<std::string> names_in_file(database& session) {
  std::vector<std::string> names;
  session.query(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
      "ESCAPE '\\' ORDER BY name",
      [&](const row& found) { names.emplace_back(found.text(0)); });
  return names;
}

table table_in_file(database& session, const std::string& name) {
  table made{name, {}, {}};
  key_places key;
  session.query(
      "SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid",
      [&](const row& found) {
        if (found.integer(2) > 0) {
          key[found.integer(2)] = made.columns.size();
        }
        made.columns.push_back(
            {std::string{found.text(0)}, file_type(name, found.text(0), found.text(1))});
      },
      name);
  add_key(made, key);
  return made;
}

std::vector<table> tables_on_server(database& session, const std::string& schema) {
  std::vector<table> all;
  key_places key;
  session.query(
      "SELECT CAST(c.relname AS TEXT), CAST(a.attname AS TEXT), format_type(a.atttypid, NULL),"
      " CASE WHEN a.attidentity = '' THEN 0 ELSE 1 END,"
      " COALESCE(array_position(CAST(i.indkey AS SMALLINT[]), a.attnum), -1)"
      " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
      " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
      " LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary"
      " WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY c.relname, a.attnum",
      [&](const row& found) {
        if (all.empty() || all.back().name != found.text(0)) {
          if (!all.empty()) {
            add_key(all.back(), key);
          }
          key.clear();
          all.push_back({std::string{found.text(0)}, {}, {}});
        }
        table& made = all.back();
        if (const std::int64_t place = found.integer(4); place >= 0) {
          key[place] = made.columns.size();
        }
        made.columns.push_back(
            {std::string{found.text(1)},
             server_type(made.name, found.text(1), found.text(2)),
             found.integer(3) != 0});
      },
      schema);
  if (!all.empty()) {
    add_key(all.back(), key);
  }
  return all;
}

/// SQLite's storage class for the values of a type.
std::string_view class_of(column_type type) {
  switch (type) {
  case column_type::integer:
    return "integer";
  case column_type::real:
    return "real";
  case column_type::text:
    return "text";
  case column_type::bytes:
    break;
  }
  return "blob";
}

} // namespace

const column* table::find(std::string_view wanted) const {
  const auto found = std::ranges::find(columns, wanted, &column::name);
  return found == columns.end() ? nullptr : &*found;
}

std::string table_space::name_of(std::string_view table) const {
  return is_on_server() ? fmt::format("{}.{}", quoted_name(schema), quoted_name(table))
                        : quoted_name(table);
}

std::string quoted_name(std::string_view name) {
  std::string made = "\"";
  for (const char c : name) {
    made += c == '"' ? "\"\"" : std::string(1, c);
  }
  return made + '"';
}

std::vector<table> tables_of(const table_space& space) {
  if (space.is_on_server()) {
    return tables_on_server(*space.session, space.schema);
  }
  std::vector<table> all;
  for (const std::string& each : names_in_file(*space.session)) {
    all.push_back(table_in_file(*space.session, each));
  }
  return all;
}

std::vector<std::string> columns_of_mixed_types(const table_space& space, const table& what) {
  std::vector<std::string> found;
  if (space.is_on_server()) {
    return found;
  }
  std::string counts;
  for (const column& each : what.columns) {
    counts += fmt::format(
        "{}COALESCE(SUM(typeof({}) NOT IN ('null', '{}')), 0)",
        counts.empty() ? "" : ", ",
        quoted_name(each.name),
        class_of(each.type));
  }
  space.session->query(
      fmt::format("SELECT {} FROM {}", counts, space.name_of(what.name)), [&](const row& sums) {
        for (std::size_t i = 0; i < what.columns.size(); ++i) {
          if (sums.integer(static_cast<int>(i)) != 0) {
            found.push_back(what.columns[i].name);
          }
        }
      });
  return found;
}

} // namespace troupe::store
