#include "runtime/store/postgres/pipeline.hpp"

#include "runtime/store/postgres/error.hpp"
#include "runtime/store/postgres/result_row.hpp"
#include "runtime/store/postgres/types.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>
#include <vector>

namespace troupe::store {

namespace {

// Statements, and bytes, sent before the server is asked to answer; more could fill the buffers of
// both sides.
constexpr std::size_t pushed_after_statements = 200;
constexpr std::size_t pushed_after_bytes = std::size_t{64} * 1024;
constexpr int binary = 1;

bool is_failure(ExecStatusType status) {
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE
         || status == PGRES_PIPELINE_ABORTED;
}

/// Unexpected results, for example of COPY.
bool is_out_of_turn(ExecStatusType status) {
  return status == PGRES_PIPELINE_SYNC || status == PGRES_COPY_IN || status == PGRES_COPY_OUT
         || status == PGRES_COPY_BOTH;
}

database_error out_of_turn(const std::string& sql) {
  return database_error{
      database_fault::away, fmt::format("the database server answered out of turn (in: {})", sql)};
}

/// Passes the rows of a result to their reader. An exception of the reader is kept, so that the
/// other results are still read.
void show(
    const PGresult* result, const postgres_order& what, std::optional<postgres_trouble>& first) {
  try {
    for (int number = 0; number < PQntuples(result); ++number) {
      what.each(postgres_row{result, number});
    }
  } catch (const database_error& thrown) {
    if (!first) {
      first = postgres_trouble{thrown, what.message};
    }
  }
}

} // namespace

void postgres_pipeline::send(const std::string& sql, postgres_order what) {
  send_rows();
  what.sql = sql;
  if (PQsendQueryParams(handle(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, binary)
      != 1) {
    not_sent();
  }
  sent(std::move(what), sql.size());
}

void postgres_pipeline::send(
    const postgres_statement& statement,
    const postgres_parameters& parameters,
    postgres_order what) {
  send_rows();
  what.sql = statement.sql;
  ++unread_;
  send_prepared(statement.name, parameters, std::move(what));
}

void postgres_pipeline::prepare_many_rows(
    const postgres_statement& of, std::optional<std::size_t> message) {
  std::vector<Oid> types;
  std::ranges::transform(of.parameters, std::back_inserter(types), type_of::array_of);
  send_rows();
  if (PQsendPrepare(
          handle(),
          of.many_rows_name().c_str(),
          of.many_rows.c_str(),
          static_cast<int>(types.size()),
          types.data())
      != 1) {
    not_sent();
  }
  sent({.sql = of.sql, .message = message}, of.many_rows.size());
}

void postgres_pipeline::send_row(
    postgres_statement& statement, const postgres_parameters& parameters, postgres_order what) {
  if (!gathers_ || !postgres_rows::may_wait(statement, parameters)
      || never_gathered_.count(statement.sql) != 0) {
    return send(statement, parameters, std::move(what));
  }
  if (rows_ && !rows_->may_take(statement, what.message)) {
    send_rows();
  }
  if (!rows_) {
    rows_.emplace(statement, what.message);
  }
  rows_->add(parameters, std::move(what.changed));
  ++unread_;
  if (rows_->is_full()) {
    send_rows();
  }
}

void postgres_pipeline::send_rows() {
  if (!rows_) {
    return;
  }
  postgres_rows rows = std::move(*rows_);
  rows_.reset();
  postgres_statement& of = rows.statement();
  postgres_order what{.sql = of.sql, .message = rows.message()};
  if (rows.count() == 1) {
    what.changed = rows.take_changed();
    return send_prepared(of.name, rows.only(), std::move(what));
  }
  what.rows = rows.count();
  what.changed = rows.take_changed();
  send_prepared(of.many_rows_name(), rows.arrays(), std::move(what));
}

void postgres_pipeline::send_prepared(
    const std::string& name, const postgres_parameters& parameters, postgres_order what) {
  if (PQsendQueryPrepared(
          handle(),
          name.c_str(),
          parameters.count(),
          parameters.starts(),
          parameters.lengths(),
          parameters.formats(),
          binary)
      != 1) {
    not_sent();
  }
  sent(std::move(what), parameters.size());
}

void postgres_pipeline::prepare(
    const std::string& name,
    const std::string& sql,
    std::optional<std::size_t> message,
    postgres_result& described) {
  send_rows();
  if (PQsendPrepare(handle(), name.c_str(), sql.c_str(), 0, nullptr) != 1) {
    not_sent();
  }
  sent({.sql = sql, .message = message}, sql.size());
  if (PQsendDescribePrepared(handle(), name.c_str()) != 1) {
    not_sent();
  }
  sent({.sql = sql, .message = message, .result = &described}, 0);
}

std::optional<postgres_trouble> postgres_pipeline::drain(milliseconds patience) {
  std::optional<postgres_trouble> first;
  send_rows();
  if (orders_.empty()) {
    return first;
  }
  ++round_trips_;
  const instant deadline = system_clock{}.now() + patience;
  add_point();
  std::deque<postgres_order> waiting = std::exchange(orders_, {});
  pushed_ = 0;
  unread_ = 0;
  connection_.sync(deadline);
  for (postgres_order& each : waiting) {
    read(each, deadline, first);
  }
  return first;
}

bool postgres_pipeline::has_readers() const {
  return std::ranges::any_of(
      orders_, [](const postgres_order& each) { return each.each != nullptr; });
}

void postgres_pipeline::forget_readers() {
  rows_.reset();
  for (postgres_order& each : orders_) {
    each.each = nullptr;
    each.changed = nullptr;
    each.result = nullptr;
  }
}

void postgres_pipeline::close() {
  connection_.close();
  rows_.reset();
  orders_.clear();
  pushed_ = 0;
  bytes_ = 0;
  unread_ = 0;
}

void postgres_pipeline::connect(postgres_connection connection) {
  close();
  connection_ = std::move(connection);
}

/// libpq writes to the socket after every 8 KiB, and that failed: the connection is lost, and it is
/// unknown which earlier statements the server has received.
void postgres_pipeline::not_sent() {
  const std::string why = PQerrorMessage(handle());
  close();
  throw database_error{
      database_fault::away,
      "the database server was lost while a statement was sent: " + without_line_ends(why)};
}

void postgres_pipeline::sent(postgres_order what, std::size_t size) {
  orders_.push_back(std::move(what));
  bytes_ += size;
  if (orders_.size() - pushed_ >= pushed_after_statements || bytes_ >= pushed_after_bytes) {
    add_point();
    connection_.sync(system_clock{}.now() + patience_);
  }
}

void postgres_pipeline::add_point() {
  orders_.push_back({.is_point = true});
  pushed_ = orders_.size();
  bytes_ = 0;
}

/// After rows that were sent together have failed, sends rows one by one.
///
/// @param fault `schema` if such rows would always fail together.
void postgres_pipeline::note_failed_rows(const postgres_order& what, database_fault fault) {
  if (what.rows == 0) {
    return;
  }
  gathers_ = false;
  if (fault == database_fault::schema) {
    never_gathered_.insert(what.sql);
  }
}

/// Reads the results of one statement or sync point.
void postgres_pipeline::read(
    postgres_order& what, instant deadline, std::optional<postgres_trouble>& first) {
  if (what.is_point) {
    if (PQresultStatus(connection_.next(deadline).get()) != PGRES_PIPELINE_SYNC) {
      connection_.close();
      throw first ? first->error : out_of_turn("the end of a pipeline");
    }
    return;
  }
  while (postgres_result result = connection_.next(deadline)) {
    const ExecStatusType status = PQresultStatus(result.get());
    if (is_out_of_turn(status)) {
      connection_.close();
      throw out_of_turn(what.sql);
    }
    if (is_failure(status)) {
      if (!first && status != PGRES_PIPELINE_ABORTED) {
        first = postgres_trouble{postgres_failure(result.get(), what.sql), what.message};
        note_failed_rows(what, first->error.kind);
        if (first->error.kind == database_fault::away) {
          connection_.close();
          throw first->error;
        }
      }
      continue;
    }
    if (what.changed) {
      const std::int64_t rows = changed_rows(result.get());
      if (what.rows == 0 || rows == static_cast<std::int64_t>(what.rows)) {
        what.changed(rows);
      } else if (!first) {
        // Only separate inserts can show which rows are missing, for example because of a trigger.
        first = postgres_trouble{
            database_error{
                database_fault::constraint,
                fmt::format("{} of {} rows are there (in: {})", rows, what.rows, what.sql)},
            what.message};
        note_failed_rows(what, database_fault::schema);
      }
    }
    if (what.each) {
      show(result.get(), what, first);
    }
    if (what.result != nullptr) {
      *what.result = std::move(result);
    }
  }
}

} // namespace troupe::store
