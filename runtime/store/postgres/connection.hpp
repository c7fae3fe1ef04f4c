#pragma once

#include "runtime/clock.hpp"
#include "runtime/store/database.hpp"

#include <libpq-fe.h>
#include <memory>
#include <string>

namespace troupe::store {

struct clear_result {
  void operator()(PGresult* result) const { PQclear(result); }
};

using postgres_result = std::unique_ptr<PGresult, clear_result>;

/// One connection to a PostgreSQL server in pipeline mode: statements are sent without waiting for
/// the results of those before them.
///
/// Waits have deadlines of their own, since otherwise nothing reveals a server that does not
/// answer: a frozen host keeps its TCP connections. Confined to one thread at a time.
/// @source PostgreSQL documentation, libpq, "Pipeline Mode" and "Asynchronous Command Processing".
class postgres_connection {
public:
  /// Takes `made`, which is open and idle. Throws database_error (away).
  explicit postgres_connection(PGconn* made);

  PGconn* get() const { return handle_.get(); }

  /// Marks a point at which the server answers everything before it, and sends what is buffered.
  /// Reads what comes meanwhile: a server that cannot send stops reading.
  ///
  /// A sync point, not a mere flush request: a server that waits for the rest of a pipeline does
  /// not count as idle in its transaction, and would keep its locks for a stopped process forever.
  /// Throws database_error (away) if the connection is lost or nothing moves until `deadline`.
  void sync(instant deadline);

  /// The next result, in the order of sending; null after the last one of each statement.
  ///
  /// Throws database_error (away) as `push` does.
  postgres_result next(instant deadline);

  /// Closes the connection. Nothing is cancelled: a cancelled COMMIT that waits for a standby
  /// reports success.
  void close() { handle_.reset(); }

  /// True if the server has warned with SQLSTATE 01000 since the last call: only such a warning
  /// shows that a COMMIT did not wait for its standby.
  bool take_warning();

private:
  struct finish {
    void operator()(PGconn* handle) const { PQfinish(handle); }
  };

  /// Waits until the socket can be read, or written if `writing`; reads.
  void wait(bool writing, instant deadline);
  [[noreturn]] void lost(const std::string& doing);

  std::unique_ptr<PGconn, finish> handle_;
  std::unique_ptr<bool> warned_ = std::make_unique<bool>(false); // libpq holds its address.
};

} // namespace troupe::store
