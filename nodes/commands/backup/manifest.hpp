#pragma once

#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// One database of a backup. The owner of the journal is "journal", that of a gateway's keys
/// "gateway.NAME".
struct saved_file {
  /// Its name in the backup's folder: "orders.db".
  std::string file;
  std::string owner;
  std::uint64_t bytes = 0;
  /// SHA-256 of the file, in hexadecimal digits.
  std::string sha256;
  /// The id of the database.
  uuid instance;
  /// A capability's outbox and events: its newest event and the last one that the journal had
  /// confirmed; the highest position it had handled, and the highest epoch of its partitions.
  std::uint64_t outbox_newest = 0;
  std::uint64_t outbox_confirmed = 0;
  std::uint64_t handled = 0;
  std::uint64_t epoch = 0;
  /// A capability's unfinished work. Effects are requested again under their keys.
  std::uint64_t sagas = 0;
  std::uint64_t effects = 0;
  std::uint64_t timers = 0;
  std::uint64_t postponed = 0;
  /// The journal's last position, and the number of its life, above which epochs start.
  std::uint64_t last = 0;
  std::uint64_t generation = 0;
};

/// The contents of a backup: `manifest.json` in its folder, which is written last.
struct backup_manifest {
  static constexpr auto file_name = "manifest.json";
  static constexpr auto journal_owner = "journal";

  std::string system;
  /// The moment that all files show, in milliseconds since 1970 (UTC).
  std::int64_t taken_at = 0;
  std::vector<saved_file> files;
  /// Owners of databases that are not on this machine.
  std::vector<std::string> missing;
  /// The owners among them whose databases were here before and are gone.
  std::vector<std::string> lost{};

  const saved_file* find(const std::string& owner) const;
};

std::string text_of(const backup_manifest& manifest);

/// @errors `invalid`: not a manifest, or one of a later release.
outcome<backup_manifest> manifest_in(const std::string& text);

} // namespace troupe
