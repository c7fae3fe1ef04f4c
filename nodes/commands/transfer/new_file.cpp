#include "nodes/commands/transfer/new_file.hpp"

#include "nodes/commands/transfer/locked_file.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/store/sqlite/online_copy.hpp"

#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <system_error>
#include <utility>

namespace troupe {

namespace {

namespace fs = std::filesystem;

constexpr milliseconds note_patience{2'000};

// The main file comes last: alone it would count as a database, while the other files without it do
// not.
constexpr std::array<std::string_view, 6> database_parts{
    ".lock", ".next", "-shm", "-wal", "-journal", ""};

outcome<void> remove_parts(const std::string& path, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::error_code failed;
    fs::remove(path + std::string{database_parts[i]}, failed);
    if (failed) {
      return failure{internal_error(
          fmt::format("cannot delete {}{}: {}", path, database_parts[i], failed.message()))};
    }
  }
  return {};
}

/// The file, if an earlier call has completed it.
outcome<std::optional<locked_file>>
open_earlier(const new_file& made, const database_identity& identity) {
  std::error_code failed;
  if (!fs::exists(made.path, failed)) {
    return std::nullopt;
  }
  auto opened = open_locked(made.path, made.what.owner_inside(), false);
  if (!opened) {
    // A file whose creation was interrupted is refused here, and created again; a file in use is
    // left alone.
    return opened.error().code == errc::unavailable
               ? outcome<std::optional<locked_file>>{failure{std::move(opened).error()}}
               : std::nullopt;
  }
  if (identity_of(opened->space()) != identity) {
    return std::nullopt;
  }
  return std::optional{std::move(*opened)};
}

outcome<locked_file> make_anew(const new_file& made, const clock& time) {
  TROUPE_CHECK(delete_database(made.path));
  {
    auto fresh = open_locked(made.path, made.what.owner_inside(), true);
    if (!fresh) {
      return fresh;
    }
    TROUPE_FAULT("migrate.made");
    TROUPE_CHECK(make_ready(made.what, made.from, fresh->space(), time));
    TROUPE_FAULT("migrate.ready");
  }
  return open_locked(made.path, made.what.owner_inside(), false);
}

/// Closes the file, so that it is complete without a WAL.
outcome<void> close_whole(locked_file file, const std::string& path) {
  try {
    file.session->checkpoint_all();
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  file.sign.reset();
  file.session.reset();
  file.gate.reset();
  std::error_code failed;
  if (const auto left = fs::file_size(path + "-wal", failed); !failed && left != 0) {
    return failure{internal_error(
        fmt::format("{}-wal could not be copied back into the file: run the command again", path))};
  }
  TROUPE_CHECK(remove_parts(path, database_parts.size() - 1));
  return store::seal_copy(path);
}

} // namespace

outcome<database_size> fill_new_file(const new_file& made, const clock& time) {
  try {
    const auto identity = identity_of(made.from);
    if (!identity) {
      return failure{invalid(made.what.owner + ": there is no database to copy")};
    }
    TROUPE_TRY(auto earlier, open_earlier(made, *identity));
    for (bool is_new = !earlier;; is_new = true) {
      TROUPE_TRY(
          auto file, is_new ? make_anew(made, time) : outcome<locked_file>{std::move(*earlier)});
      TROUPE_CHECK(copy_rows(made.what, made.from, file.space()));
      auto size = check_equal(made.what, made.from, file.space());
      if (size) {
        if (made.look) {
          made.look(*file.session);
        }
        TROUPE_CHECK(close_whole(std::move(file), made.path));
        return size;
      }
      if (is_new || size.error().code != errc::conflict) {
        return size;
      }
      earlier.reset(); // The source has changed since: create the file again.
    }
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
}

outcome<void> note_database(const std::string& path, const uuid& instance) {
  TROUPE_TRY(auto gate, store::turnstile::open(path));
  TROUPE_CHECK(gate.lock(note_patience));
  gate.note_database(instance);
  gate.unlock();
  return {};
}

outcome<void> delete_database(const std::string& path) {
  return remove_parts(path, database_parts.size());
}

} // namespace troupe
