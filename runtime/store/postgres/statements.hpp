#pragma once

#include "runtime/store/postgres/pipeline.hpp"
#include "runtime/store/postgres/statement.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace troupe::store {

/// The prepared statements of one connection, by their text; the least recently used one is dropped
/// when there are too many.
class postgres_statements {
public:
  explicit postgres_statements(std::size_t kept_max) : kept_max_{kept_max} {}

  /// The statement for `sql`, prepared if needed; preparing waits for the server, which says what
  /// the types of the parameters are. Valid until the next call.
  ///
  /// @param trouble receives the first error of everything under way; the statement is null then.
  /// Throws database_error (schema) for text that is not a statement, or one that only the session
  /// may run.
  postgres_statement* borrow(
      std::string_view sql,
      postgres_pipeline& at,
      std::optional<std::size_t> message,
      std::optional<postgres_trouble>& trouble);

  /// Notes an error: if a statement does not fit the tables any more, which another process has
  /// changed, or is not known to the server, all are forgotten at the next `refresh`.
  void note(const database_error& error);

  /// Forgets all statements if `note` asked for it. Call it outside a transaction that has begun.
  void refresh(postgres_pipeline& at) {
    if (are_stale_) {
      forget(at);
    }
  }

  /// Forgets all statements, here and at the server.
  void forget(postgres_pipeline& at);

  /// Forgets all statements, after their connection was lost.
  void clear() { kept_.clear(); }

private:
  void drop_oldest(postgres_pipeline& at);

  std::size_t kept_max_;
  std::uint64_t uses_ = 0;
  std::uint64_t named_ = 0;
  bool are_stale_ = false;
  std::unordered_map<std::string_view, std::unique_ptr<postgres_statement>> kept_;
};

} // namespace troupe::store
