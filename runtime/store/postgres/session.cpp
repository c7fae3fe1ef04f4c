#include "runtime/store/postgres/session.hpp"

#include "runtime/ids.hpp"
#include "runtime/store/postgres/dialect.hpp"
#include "runtime/store/postgres/error.hpp"
#include "runtime/store/postgres/moves.hpp"
#include "runtime/store/postgres/parameters.hpp"
#include "runtime/store/postgres/result_row.hpp"

#include <fmt/format.h>
#include <span>
#include <utility>

namespace troupe::store {

namespace {

/// The advisory lock number of a schema's writers' lock.
std::int64_t lock_number(std::string_view schema) {
  const std::string named = fmt::format("troupe writers {}", schema);
  return static_cast<std::int64_t>(digest_of(std::as_bytes(std::span{named})));
}

/// The statement that takes the writers' lock of a schema.
std::string lock_text(std::string_view schema) {
  return fmt::format("SELECT pg_advisory_xact_lock({})", lock_number(schema));
}

/// The statement that ends the session holding the writers' lock if its client has stalled. A
/// server waits without limit for the rest of a pipeline, or for its answer to be read;
/// idle_in_transaction_session_timeout only counts from the end of a pipeline.
std::string end_text(std::string_view schema, milliseconds limit) {
  return fmt::format(
      "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
      " WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
      " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
      " AND ((CAST(classid AS BIGINT) << 32) | CAST(objid AS BIGINT)) = {}"
      " AND wait_event_type = 'Client' AND state_change < now() - interval '{} milliseconds'",
      lock_number(schema),
      limit.count());
}

std::string statement_timeout(milliseconds of) {
  return fmt::format("SET statement_timeout = {}", of.count());
}

/// The statement_timeout of the server. It is shorter than this session's own patience, since
/// otherwise the session would take each slow statement for a lost server, and retry its message
/// forever.
milliseconds statement_limit(const postgres_options& options) {
  return options.patience * 3 / 4;
}

/// Applies the settings that the session relies on to a new connection.
void set_up(
    postgres_pipeline& pipeline, const postgres_options& options, const std::string& schema) {
  std::string sql = fmt::format(
      "SELECT set_config('search_path', quote_ident('{}'), false),"
      // A stricter setting, waiting until standbys have applied the commit, is kept.
      " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
      " WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),"
      " set_config('statement_timeout', '{}', false),"
      " set_config('lock_timeout', '{}', false),"
      " set_config('idle_in_transaction_session_timeout', '{}', false),"
      " set_config('default_transaction_isolation', 'read committed', false),"
      " set_config('jit', 'off', false),"
      // Only a warning tells that a COMMIT did not wait for its standby.
      " set_config('client_min_messages', 'warning', false),"
      // Without keepalives the session and its locks would outlive a host that vanished.
      " set_config('tcp_keepalives_idle', '5', false),"
      " set_config('tcp_keepalives_interval', '2', false),"
      " set_config('tcp_keepalives_count', '3', false),"
      " set_config('tcp_user_timeout', '11000', false)",
      schema,
      statement_limit(options).count(),
      options.lock_patience.count(),
      options.idle_limit.count());
  if (PQserverVersion(pipeline.handle()) >= 140'000) {
    // Makes the server end a statement whose client is gone and which would keep its locks.
    sql += ", set_config('client_connection_check_interval', '1000', false)";
  }
  pipeline.send(sql);
  if (const auto trouble = pipeline.drain()) {
    throw trouble->error;
  }
}

} // namespace

postgres_session::postgres_session(connector connect, postgres_options options, std::string schema)
    : connect_{std::move(connect)}, options_{std::move(options)}, schema_{std::move(schema)},
      pipeline_{connect_(), options_.patience}, statements_{options_.statements_max} {
  set_up(pipeline_, options_, schema_);
}

postgres_session::~postgres_session() {
  rollback();
}

void postgres_session::begin() {
  require_usable("BEGIN");
  if (open_) {
    throw database_error{database_fault::other, "begin() inside a transaction"};
  }
  message_.reset();
  if (std::exchange(so_far_.was_kept_waiting, false)) {
    end_stalled_writer();
  } else {
    so_far_.waits_since.reset();
  }
  open_ = transaction_state{.first_number = so_far_.next_number};
  try {
    statements_.refresh(pipeline_);
    // READ COMMITTED: each statement sees everything committed before this session got the lock.
    pipeline_.send(
        options_.one_moment ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                            : "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        {.message = message_});
    if (options_.one_writer && !options_.read_only && !options_.one_moment) {
      pipeline_.send(lock_text(schema_), {.message = message_});
    }
  } catch (const database_error&) {
    rollback();
    throw;
  }
}

void postgres_session::commit() {
  if (!open_) {
    throw database_error{database_fault::other, "commit() outside a transaction"};
  }
  message_.reset();
  bool may_be_sent = false;
  try {
    require_usable("COMMIT");
    if (pipeline_.has_readers()) {
      check(pipeline_.drain()); // An exception of a reader must not look like a failed commit.
    }
    postgres_result result;
    static_cast<void>(pipeline_.take_warning());
    may_be_sent = true;
    pipeline_.send("COMMIT", {.result = &result});
    check(pipeline_.drain());
    if (pipeline_.take_warning()) {
      throw database_error{
          database_fault::away, "the commit did not wait for its standby (warning 01000)"};
    }
    if (std::string_view{PQcmdStatus(result.get())} != "COMMIT") {
      throw database_error{
          database_fault::other, "an earlier error had undone the transaction: it did not commit"};
    }
  } catch (const database_error& why) {
    if (!may_be_sent || why.kind != database_fault::away) {
      rollback();
      throw;
    }
    pipeline_.close(); // Further results would be about a commit that may be in progress.
    rollback();
    throw database_error{
        database_fault::unknown,
        fmt::format("it is not known whether the turn was committed: {}", why.what()),
        why.native_code};
  }
  open_.reset();
  pipeline_.gather();
}

void postgres_session::rollback() noexcept {
  if (!open_) {
    return;
  }
  open_.reset();
  message_.reset();
  try {
    pipeline_.forget_readers();
    static_cast<void>(pipeline_.drain()); // The result does not matter, since all is rolled back.
    pipeline_.send("ROLLBACK");
    static_cast<void>(pipeline_.drain());
  } catch (const std::exception&) {
    pipeline_.close();
  }
}

void postgres_session::savepoint() {
  require_transaction("savepoint() outside a transaction");
  pipeline_.send("SAVEPOINT troupe", {.message = message_});
  ++open_->savepoints;
}

void postgres_session::release() {
  require_transaction("release() outside a transaction");
  if (open_->savepoints == 0) {
    throw database_error{database_fault::other, "release() without a savepoint"};
  }
  const bool must_wait = pipeline_.has_unread();
  pipeline_.send("RELEASE SAVEPOINT troupe", {.message = message_});
  if (must_wait) {
    check(pipeline_.drain()); // If this throws, the savepoint still exists.
  }
  --open_->savepoints;
}

void postgres_session::rollback_to_savepoint() {
  if (!open_ || open_->savepoints == 0 || is_lost()) {
    require_usable("ROLLBACK TO");
    throw database_error{database_fault::other, "rollback_to_savepoint() without a savepoint"};
  }
  if (pipeline_.has_unread()) {
    if (auto trouble = pipeline_.drain(); trouble && !open_->undone_by) {
      open_->undone_by = std::move(trouble);
    }
  }
  if (open_->undone_by && open_->undone_by->message != message_) {
    throw_late(*open_->undone_by); // The failure came before the savepoint was made.
  }
  open_->undone_by.reset();
  pipeline_.send("ROLLBACK TO SAVEPOINT troupe", {.message = message_});
  pipeline_.send("RELEASE SAVEPOINT troupe", {.message = message_});
  --open_->savepoints;
}

std::int64_t
postgres_session::run(std::string_view sql, std::span<const value> parameters, row_visitor visit) {
  postgres_result result;
  send(sql, parameters, {.result = &result});
  check(pipeline_.drain());
  for (int number = 0; number < PQntuples(result.get()); ++number) {
    if (!visit(postgres_row{result.get(), number})) {
      break;
    }
  }
  return changed_rows(result.get());
}

affected postgres_session::change(std::string_view sql, std::span<const value> parameters) {
  if (!open_) {
    return affected{run(sql, parameters, row_visitor{})};
  }
  const std::uint64_t number = so_far_.next_number;
  const auto note = [this, number](std::int64_t rows) {
    if (open_) {
      open_->counts.resize(number - open_->first_number + 1, 0);
      open_->counts.back() = rows;
    }
  };
  send(sql, parameters, {.changed = note}, true);
  return affected{*this, number};
}

std::int64_t postgres_session::affected_by(std::uint64_t number) {
  require_transaction("the count of a statement is asked for after its transaction");
  check(pipeline_.drain());
  return open_->counts.at(number - open_->first_number);
}

void postgres_session::ask(
    std::string_view sql, std::span<const value> parameters, std::function<void(const row&)> each) {
  if (!open_) {
    run(sql, parameters, row_visitor{each});
    return;
  }
  send(sql, parameters, {.each = std::move(each)});
}

void postgres_session::await() {
  require_usable("waiting");
  check(pipeline_.drain());
}

void postgres_session::script(std::string_view sql) {
  for (const std::string_view each : statements_of(sql)) {
    require_usable(each);
    const std::string word = first_word(each);
    if (!may_run(word)) {
      throw database_error{
          database_fault::schema,
          fmt::format(
              "{} belongs to the session, or is not for scripts (in: {})",
              word,
              each.substr(0, sql_shown_max))};
    }
    pipeline_.send(statement_timeout(options_.script_patience), {.message = message_});
    pipeline_.send(to_postgres(each), {.message = message_});
    pipeline_.send(statement_timeout(statement_limit(options_)), {.message = message_});
    check(pipeline_.drain(options_.script_patience + options_.patience));
    so_far_.changes += changes_rows(word) ? 1 : 0;
  }
  statements_.forget(pipeline_); // The prepared statements may refer to changed columns.
  if (!open_) {
    check(pipeline_.drain());
  }
}

void postgres_session::end_stalled_writer() {
  require_usable("ending a stalled writer");
  pipeline_.send(end_text(schema_, options_.idle_limit));
  // Without the right to end other sessions the statement fails, and this session keeps waiting.
  static_cast<void>(pipeline_.drain());
  const instant now = system_clock{}.now();
  const milliseconds waited =
      std::chrono::floor<milliseconds>(now - so_far_.waits_since.value_or(now));
  // A stalled session that may be ended has been ended after one limit, so another cause must be at
  // work after two.
  if (waited > 2 * options_.idle_limit) {
    so_far_.waits_since.reset();
    pipeline_.close();
    throw database_error{
        database_fault::away,
        fmt::format(
            "another session has had the lock of {} for {} ms, twice as long as a turn may take: "
            "it "
            "may wait for a standby",
            schema_,
            waited.count())};
  }
}

bool postgres_session::has_table(std::string_view name) {
  return integer_of(
             "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1", name)
      .has_value();
}

void postgres_session::reconnect() {
  if (!is_lost()) {
    return;
  }
  open_.reset();
  statements_.clear();
  pipeline_.connect(connect_());
  try {
    set_up(pipeline_, options_, schema_);
    std::optional<uuid> found;
    query("SELECT instance FROM troupe_meta", [&](const row& row) { found = row.id(0); });
    if (!options_.is_moving && !options_.read_only) {
      if (const auto obstacle = obstacle_to(schema_, move_book{*this}.rows()); !obstacle.empty()) {
        throw database_error{database_fault::away, obstacle};
      }
    }
    if (found != instance_) {
      throw database_error{
          database_fault::corrupt,
          fmt::format(
              "the server has another database than before ({} instead of {}): put the right one "
              "back, then restart the process",
              found ? to_string(*found) : "none",
              to_string(instance_))};
    }
  } catch (...) {
    pipeline_.close(); // Otherwise a session without the required settings would be used.
    throw;
  }
}

void postgres_session::require_usable(std::string_view doing) const {
  if (is_lost()) {
    throw database_error{
        database_fault::away,
        fmt::format(
            "there is no connection to the database (before: {})", doing.substr(0, sql_shown_max))};
  }
  if (open_ && open_->undone_by) {
    throw_late(*open_->undone_by);
  }
}

void postgres_session::require_transaction(std::string_view doing) const {
  require_usable(doing);
  if (!open_) {
    throw database_error{database_fault::other, std::string{doing}};
  }
}

void postgres_session::check(std::optional<postgres_trouble> trouble) {
  if (!trouble) {
    return;
  }
  statements_.note(trouble->error);
  so_far_.was_kept_waiting = trouble->error.kind == database_fault::busy;
  if (so_far_.was_kept_waiting && !so_far_.waits_since) {
    so_far_.waits_since = system_clock{}.now();
  }
  if (open_) {
    open_->undone_by = trouble;
  }
  throw_late(*trouble);
}

/// Throws an error, naming the message it belongs to if that is not the current one.
void postgres_session::throw_late(const postgres_trouble& trouble) const {
  database_error why = trouble.error;
  if (trouble.message != message_) {
    why.of_message = trouble.message;
  }
  throw why;
}

void postgres_session::send(
    std::string_view sql, std::span<const value> parameters, postgres_order what, bool may_wait) {
  require_usable(sql);
  if (!open_) {
    statements_.refresh(pipeline_);
  }
  std::optional<postgres_trouble> trouble;
  postgres_statement* const statement = statements_.borrow(sql, pipeline_, message_, trouble);
  check(std::move(trouble));
  what.message = message_;
  const postgres_parameters encoded{*statement, parameters};
  if (may_wait) {
    pipeline_.send_row(*statement, encoded, std::move(what));
  } else {
    pipeline_.send(*statement, encoded, std::move(what));
  }
  ++so_far_.next_number;
  so_far_.changes += statement->changes_rows ? 1 : 0;
}

} // namespace troupe::store
