#include "runtime/store/postgres/statements.hpp"

#include "runtime/store/postgres/dialect.hpp"
#include "runtime/store/postgres/error.hpp"
#include "runtime/store/postgres/types.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <utility>

namespace troupe::store {

postgres_statement* postgres_statements::borrow(
    std::string_view sql,
    postgres_pipeline& at,
    std::optional<std::size_t> message,
    std::optional<postgres_trouble>& trouble) {
  const auto found = kept_.find(sql);
  if (found != kept_.end()) {
    found->second->last_used = ++uses_;
    return found->second.get();
  }
  const std::string word = first_word(sql);
  if (word.empty() || !may_run(word)) {
    throw database_error{
        database_fault::schema,
        fmt::format(
            "{} (in: {})",
            word.empty() ? "no statement"
                         : "transactions, savepoints, settings and cursors belong to the session",
            sql.substr(0, sql_shown_max))};
  }
  auto made = std::make_unique<postgres_statement>();
  made->sql = sql;
  // Names are never reused: the server may still know an old statement.
  made->name = "s" + std::to_string(++named_);
  made->changes_rows = changes_rows(word);
  made->last_used = ++uses_;
  postgres_result described;
  at.prepare(made->name, to_postgres(sql), message, described);
  trouble = at.drain();
  if (trouble) {
    return nullptr;
  }
  for (int i = 0; i < PQnparams(described.get()); ++i) {
    made->parameters.push_back(PQparamtype(described.get(), i));
  }
  const bool has_arrays =
      std::ranges::all_of(made->parameters, [](Oid each) { return type_of::array_of(each) != 0; });
  if (has_arrays) {
    made->many_rows = many_rows_of(sql);
  }
  if (!made->many_rows.empty()) {
    // Prepare the form for many rows now. Later an earlier error may have aborted the transaction:
    // the statement would not be prepared then, and nothing would report it.
    at.prepare_many_rows(*made, message);
    trouble = at.drain();
    if (trouble) {
      return nullptr;
    }
  }
  if (kept_.size() >= kept_max_) {
    drop_oldest(at);
  }
  const std::string_view text = made->sql;
  return kept_.emplace(text, std::move(made)).first->second.get();
}

void postgres_statements::note(const database_error& error) {
  are_stale_ = are_stale_ || error.native_code == native_code_of("0A000")
               || error.native_code == native_code_of("26000");
}

void postgres_statements::forget(postgres_pipeline& at) {
  are_stale_ = false;
  at.send("DEALLOCATE ALL"); // First sends the waiting rows, whose statement is dropped now.
  kept_.clear();
}

void postgres_statements::drop_oldest(postgres_pipeline& at) {
  const auto oldest = std::ranges::min_element(kept_, [](const auto& one, const auto& other) {
    return one.second->last_used < other.second->last_used;
  });
  at.send("DEALLOCATE " + oldest->second->name);
  if (!oldest->second->many_rows.empty()) {
    at.send("DEALLOCATE " + oldest->second->many_rows_name());
  }
  kept_.erase(oldest);
}

} // namespace troupe::store
