#include "runtime/store/copy/table_copy.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/store/copy/table_reader.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::store {

namespace {

constexpr std::size_t batch_bytes_max = std::size_t{4} << 20U;
constexpr std::size_t batch_rows_max = 4'096;

std::string column_list(const table& what) {
  std::string text;
  for (const column& each : what.columns) {
    text += (text.empty() ? "" : ", ") + quoted_name(each.name);
  }
  return text;
}

std::string insertion(const table_space& to, const table& what) {
  std::string marks;
  for (std::size_t i = 1; i <= what.columns.size(); ++i) {
    marks += fmt::format("{}${}", i == 1 ? "" : ", ", i);
  }
  return fmt::format(
      "INSERT INTO {} ({}) VALUES ({})", to.name_of(what.name), column_list(what), marks);
}

/// The key of the last row; empty for an empty table.
row_cells last_key(const table_space& in, const table& what) {
  row_cells found;
  std::string order;
  table keys{what.name, {}, {}};
  for (const std::size_t each : what.key) {
    order += (order.empty() ? "" : ", ") + quoted_name(what.columns[each].name) + " DESC";
    keys.key.push_back(keys.columns.size());
    keys.columns.push_back(what.columns[each]);
  }
  in.session->query(
      fmt::format(
          "SELECT {} FROM {} ORDER BY {} LIMIT 1", column_list(keys), in.name_of(what.name), order),
      [&](const row& last) { found = cells_of(last, keys); });
  return found;
}

/// Makes generated numbers continue after the highest existing one, as SQLite does.
void set_identities(const table_space& in, const table& what) {
  for (const column& each : what.columns) {
    if (!each.is_identity) {
      continue;
    }
    in.session->query(
        fmt::format(
            "SELECT setval(CAST(pg_get_serial_sequence($1, $2) AS regclass), GREATEST(MAX({0}), 1),"
            " COALESCE(MAX({0}), 0) >= 1) FROM {1}",
            quoted_name(each.name),
            in.name_of(what.name)),
        [](const row&) {},
        in.name_of(what.name),
        each.name);
  }
}

[[noreturn]] void rethrow(const database_error& met, const table& what, const std::string& doing) {
  throw database_error{
      met.kind, fmt::format("the table {}: {}: {}", what.name, doing, met.what()), met.native_code};
}

/// Inserts rows from `from` until the batch is full or the rows end.
/// @return the number of rows. A batch that is not full is the last one.
std::uint64_t insert_batch(
    table_reader& from,
    const table_space& to,
    const table& what,
    const std::string& sql,
    bool& over) {
  std::uint64_t rows = 0;
  std::size_t bytes = 0;
  std::vector<value> parameters;
  while (rows < batch_rows_max && bytes < batch_bytes_max) {
    const row_cells* const next = from.next();
    if (next == nullptr) {
      over = true;
      break;
    }
    parameters.clear();
    for (std::size_t i = 0; i < what.columns.size(); ++i) {
      parameters.push_back(parameter_of((*next)[i], what.columns[i].type));
    }
    try {
      (void)to.session->change(sql, parameters);
    } catch (const database_error& met) {
      rethrow(met, what, fmt::format("at the row {}", key_text(what, *next)));
    }
    bytes += size_of(*next);
    ++rows;
  }
  return rows;
}

/// Copies a table without a key in one transaction.
std::uint64_t
copy_at_once(table_reader& from, const table_space& to, const table& what, const std::string& sql) {
  transaction writing{*to.session};
  to.session->execute(fmt::format("DELETE FROM {}", to.name_of(what.name)));
  std::uint64_t rows = 0;
  for (bool over = false; !over;) {
    rows += insert_batch(from, to, what, sql, over);
  }
  writing.commit();
  return rows;
}

std::string difference_of(const table& what, const row_cells& one, const row_cells& other) {
  for (std::size_t i = 0; i < what.columns.size(); ++i) {
    if (one[i] != other[i]) {
      return fmt::format(
          "{} at the row {}: the column {} differs",
          what.name,
          key_text(what, one),
          what.columns[i].name);
    }
  }
  return {};
}

bool is_same_key(const table& what, const row_cells& one, const row_cells& other) {
  return std::ranges::all_of(what.key, [&](std::size_t each) { return one[each] == other[each]; });
}

} // namespace

std::uint64_t copy_table(const table_space& from, const table_space& to, const table& what) {
  const std::string sql = insertion(to, what);
  std::uint64_t rows = 0;
  try {
    if (what.key.empty()) {
      table_reader reading{from, what};
      rows = copy_at_once(reading, to, what, sql);
    } else {
      table_reader reading{from, what, last_key(to, what)};
      for (bool over = false; !over;) {
        transaction writing{*to.session};
        rows += insert_batch(reading, to, what, sql, over);
        writing.commit();
        TROUPE_FAULT("copy.batch");
        to.session->checkpoint();
      }
    }
    if (to.is_on_server()) {
      set_identities(to, what);
    }
  } catch (const database_error& met) {
    rethrow(met, what, "cannot be copied");
  }
  return rows;
}

table_comparison
compare_table(const table_space& one, const table_space& other, const table& what) {
  table_comparison found;
  table_reader left{one, what};
  table_reader right{other, what};
  while (true) {
    const row_cells* const here = left.next();
    const row_cells* const there = right.next();
    if (here == nullptr && there == nullptr) {
      return found;
    }
    if (here == nullptr || there == nullptr || !is_same_key(what, *here, *there)) {
      found.difference = fmt::format(
          "{} at the row {}: it is on one side alone",
          what.name,
          key_text(what, here == nullptr ? *there : *here));
      return found;
    }
    found.difference = difference_of(what, *here, *there);
    if (!found.difference.empty()) {
      return found;
    }
    ++found.rows;
  }
}

outcome<std::vector<table>>
shared_tables(const std::vector<table>& of, const std::vector<table>& other) {
  const auto find = [](const std::vector<table>& in, const std::string& name) {
    const auto found = std::ranges::find(in, name, &table::name);
    return found == in.end() ? nullptr : &*found;
  };
  for (const table& each : other) {
    if (find(of, each.name) == nullptr) {
      return failure{invalid(fmt::format("the table {} is on one side alone", each.name))};
    }
  }
  std::vector<table> both;
  for (const table& each : of) {
    const table* const there = find(other, each.name);
    if (there == nullptr) {
      return failure{invalid(fmt::format("the table {} is on one side alone", each.name))};
    }
    table& one = both.emplace_back(each);
    for (column& has : one.columns) {
      const column* const same = there->find(has.name);
      if (same == nullptr || same->type != has.type) {
        return failure{invalid(fmt::format(
            "the column {} of {} is on one side alone, or of another type there",
            has.name,
            each.name))};
      }
      has.is_identity = has.is_identity || same->is_identity;
    }
    if (there->columns.size() != each.columns.size()) {
      return failure{invalid(fmt::format("a column of {} is on one side alone", each.name))};
    }
  }
  return both;
}

} // namespace troupe::store
