#pragma once

#include "runtime/store/database.hpp"
#include "runtime/store/postgres/statement.hpp"

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace troupe::store {

/// The parameters of one statement as libpq takes them, each encoded for the type that the server
/// expects in its place. Texts and bytes are borrowed.
class postgres_parameters {
public:
  postgres_parameters() = default;

  /// Throws database_error: `schema` where number or types do not fit the statement, `constraint`
  /// where the value does not fit the type (an integer out of range; a NUL or bad UTF-8 in a text,
  /// which PostgreSQL does not take).
  postgres_parameters(const postgres_statement& of, std::span<const value> values);

  /// Adds an already encoded parameter; a null pointer is NULL. Borrows its bytes.
  void add(const char* start, std::size_t size, bool is_binary = true);

  int count() const { return static_cast<int>(starts_.size()); }

  const char* const* starts() const { return starts_.data(); }

  const int* lengths() const { return lengths_.data(); }

  const int* formats() const { return formats_.data(); }

  /// The bytes of all together.
  std::size_t size() const { return size_; }

  bool are_binary() const { return are_binary_; }

private:
  struct encoder;

  std::vector<const char*> starts_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::deque<std::string> made_; // What is not borrowed.
  std::size_t size_ = 0;
  bool are_binary_ = true;
};

} // namespace troupe::store
