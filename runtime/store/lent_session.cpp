#include "runtime/store/lent_session.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe::store {

namespace {

constexpr std::string_view undo_words =
    "return an error, or throw, and what it wrote is undone; savepoint() and "
    "rollback_to_savepoint() undo a part of it";

} // namespace

void lent_session::begin() {
  refuse("may not call begin(): what it writes is in a transaction already, and whoever writes is "
         "declared as a command, not as a query");
}

void lent_session::commit() {
  refuse(fmt::format(
      "may not call commit(): the transaction is its caller's, and has the work of others, too; to "
      "undo, {}",
      undo_words));
}

void lent_session::rollback() noexcept {
  try {
    note(fmt::format(
        "may not call rollback(), which would undo the work of others in its transaction: {}",
        undo_words));
  } catch (...) { // Out of memory: the flag has to suffice.
    has_fault_.store(true);
  }
}

void lent_session::savepoint() {
  database& session = use();
  savepoints_.push_back(mark_ ? mark_() : std::function<void()>{});
  try {
    session.savepoint();
  } catch (...) {
    savepoints_.pop_back();
    throw;
  }
}

void lent_session::release() {
  database& session = use();
  if (savepoints_.empty()) {
    refuse("called release() without a savepoint of its own: call savepoint() first");
  }
  session.release();
  savepoints_.pop_back();
}

void lent_session::rollback_to_savepoint() {
  (void)use();
  if (savepoints_.empty()) {
    refuse("called rollback_to_savepoint() without a savepoint of its own: call "
           "savepoint() first");
  }
  undo_savepoints(savepoints_.size() - 1);
}

void lent_session::belongs_to(std::optional<std::size_t>) {
  refuse_own("belongs_to()");
}

void lent_session::checkpoint() {
  refuse_own("checkpoint()");
}

void lent_session::checkpoint_all() {
  refuse_own("checkpoint_all()");
}

void lent_session::reconnect() {
  refuse_own("reconnect()");
}

void lent_session::end_stalled_writer() {
  refuse_own("end_stalled_writer()");
}

void lent_session::throw_why_not() const {
  const std::thread::id holder = holder_.load();
  if (holder == std::this_thread::get_id()) {
    const std::lock_guard lock{mutex_};
    throw database_error{database_fault::schema, fault_};
  }
  if (holder == std::thread::id{}) {
    throw database_error{
        database_fault::schema,
        "the database was used outside of a handler's call: ask the turn, or the query's "
        "argument, for it in each call, and keep it nowhere"};
  }
  refuse(
      "has, or an earlier one had, another thread use the database: read and write on the thread "
      "of the call alone; work outside is for an effect");
}

void lent_session::note(std::string_view what) const {
  const std::lock_guard lock{mutex_};
  if (!has_fault_.exchange(true)) {
    fault_ = fmt::format("{} {}", borrower_, what);
  }
}

void lent_session::refuse(std::string_view what) const {
  if (holder_.load() != std::thread::id{}) {
    note(what);
  }
  throw database_error{database_fault::schema, fmt::format("{} {}", borrower_, what)};
}

void lent_session::refuse_own(std::string_view function) const {
  refuse(fmt::format("may not call {}: that is the runtime's; leave it out", function));
}

void lent_session::undo_savepoints(std::size_t left) {
  while (savepoints_.size() > left) {
    of_.rollback_to_savepoint();
    const auto go_back = std::move(savepoints_.back());
    savepoints_.pop_back();
    if (go_back) {
      go_back();
    }
  }
}

lending::lending(lent_session* session, savepoint_mark mark) : session_{session} {
  if (session != nullptr) {
    session->savepoints_.clear();
    session->mark_ = std::move(mark);
    session->has_fault_.store(false, std::memory_order_relaxed);
    session->holder_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  }
}

lending::~lending() {
  if (session_ != nullptr) {
    session_->holder_.store({}, std::memory_order_relaxed);
    try {
      session_->undo_savepoints(0);
    } catch (...) { // The owner's next statement fails the same way.
      session_->savepoints_.clear();
    }
  }
}

void lending::end() {
  if (session_ == nullptr) {
    return;
  }
  lent_session& session = *std::exchange(session_, nullptr);
  session.holder_.store({}, std::memory_order_relaxed);
  if (!session.savepoints_.empty()) {
    session.note("left a savepoint() open: call release() or rollback_to_savepoint() "
                 "before it returns");
    session.undo_savepoints(0);
  }
  if (session.has_fault_.load()) {
    const std::lock_guard lock{session.mutex_};
    throw database_error{database_fault::schema, session.fault_};
  }
}

} // namespace troupe::store
