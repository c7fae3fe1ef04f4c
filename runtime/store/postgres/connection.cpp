#include "runtime/store/postgres/connection.hpp"

#include "runtime/store/postgres/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fmt/format.h>
#include <poll.h>

namespace troupe::store {

namespace {

/// Records SQLSTATE 01000 (warning); other notices, such as "already exists", are ignored.
void note_warning(void* warned, const PGresult* notice) {
  if (state_of(notice) == "01000") {
    *static_cast<bool*>(warned) = true;
  }
}

} // namespace

postgres_connection::postgres_connection(PGconn* made) : handle_{made} {
  PQsetNoticeReceiver(made, &note_warning, warned_.get());
  if (PQsetnonblocking(made, 1) != 0 || PQenterPipelineMode(made) != 1) {
    lost("preparing the connection");
  }
}

void postgres_connection::sync(instant deadline) {
  if (PQpipelineSync(get()) != 1) {
    lost("sending");
  }
  for (int left = PQflush(get()); left != 0; left = PQflush(get())) {
    if (left < 0) {
      lost("sending");
    }
    wait(true, deadline);
  }
}

postgres_result postgres_connection::next(instant deadline) {
  while (PQisBusy(get()) != 0) {
    const int left = PQflush(get());
    if (left < 0) {
      lost("sending");
    }
    wait(left > 0, deadline);
  }
  return postgres_result{PQgetResult(get())};
}

bool postgres_connection::take_warning() {
  const bool had = *warned_;
  *warned_ = false;
  return had;
}

void postgres_connection::wait(bool writing, instant deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - system_clock{}.now());
  pollfd socket{PQsocket(get()), static_cast<short>(POLLIN | (writing ? POLLOUT : 0)), 0};
  const int ready = poll(&socket, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  if (ready < 0 && errno != EINTR) {
    lost("waiting");
  }
  if (ready == 0) {
    close();
    throw database_error{
        database_fault::away, "the database server did not answer within the time for a statement"};
  }
  if (PQconsumeInput(get()) != 1) {
    lost("reading");
  }
}

void postgres_connection::lost(const std::string& doing) {
  std::string why = PQerrorMessage(get());
  while (!why.empty() && why.back() == '\n') {
    why.pop_back();
  }
  close();
  throw database_error{
      database_fault::away,
      fmt::format("the connection to the database was lost while {}: {}", doing, why)};
}

} // namespace troupe::store
