#include "tests/store/sqlite/forgetful_vfs.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <sqlite3.h>
#include <utility>
#include <vector>

namespace troupe::store {

namespace {

using content = std::vector<char>;

constexpr std::size_t sector = 512;

/// A change of a file that was not synced yet.
struct change {
  std::size_t at = 0;
  content data;
  /// Set for a truncation, which has no data.
  std::optional<std::size_t> size;
};

struct shadow {
  /// What is on the disk for sure; nothing if not even the name is.
  std::optional<content> durable;
  std::vector<change> pending;
};

void apply(content& to, const change& one, std::size_t bytes_max) {
  if (one.size) {
    to.resize(*one.size);
    return;
  }
  const auto count = std::min(one.data.size(), bytes_max);
  to.resize(std::max(to.size(), one.at + count));
  std::copy_n(one.data.begin(), count, to.begin() + static_cast<std::ptrdiff_t>(one.at));
}

std::optional<content> read_whole(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    return std::nullopt;
  }
  return content{std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

} // namespace

struct forgetful_vfs::state {
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::string name;
  std::map<std::string, shadow> files;
  std::mt19937_64 random;
  std::uint64_t operations = 0;
  std::optional<std::uint64_t> crash_at;
  std::optional<std::uint64_t> growth_left;
  std::optional<std::uint64_t> failing_sync;
  bool is_index_full = false;
  bool dead = false;
  bool sync_failed = false;

  /// Counts one operation that changes the disk; false once the power is gone.
  bool alive_for_change() {
    if (!dead && crash_at && operations + 1 >= *crash_at) {
      dead = true;
    }
    operations += dead ? 0 : 1;
    return !dead;
  }
};

namespace {

using state = forgetful_vfs::state;

/// The file SQLite sees; the real one lies behind it in the same allocation.
struct forgetful_file {
  sqlite3_file base;
  state* owner;
  /// Absent for files that need not outlive the process (temporary ones).
  shadow* kept;

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

forgetful_file& of(sqlite3_file* file) {
  return *reinterpret_cast<forgetful_file*>(file);
}

int close_file(sqlite3_file* file) {
  return of(file).real()->pMethods->xClose(of(file).real());
}

int read_file(sqlite3_file* file, void* into, int size, sqlite3_int64 at) {
  auto& self = of(file);
  return self.owner->dead ? SQLITE_IOERR_READ
                          : self.real()->pMethods->xRead(self.real(), into, size, at);
}

int write_file(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
  auto& self = of(file);
  auto& owner = *self.owner;
  if (!owner.alive_for_change()) {
    return SQLITE_IOERR_WRITE;
  }
  sqlite3_int64 before = 0;
  self.real()->pMethods->xFileSize(self.real(), &before);
  const auto grows = std::max<sqlite3_int64>(at + size - before, 0);
  if (owner.growth_left && grows > 0) {
    if (static_cast<std::uint64_t>(grows) > *owner.growth_left) {
      return SQLITE_FULL;
    }
    *owner.growth_left -= static_cast<std::uint64_t>(grows);
  }
  if (self.kept != nullptr) {
    const auto* start = static_cast<const char*>(data);
    self.kept->pending.push_back(
        {.at = static_cast<std::size_t>(at), .data = content(start, start + size), .size = {}});
  }
  return self.real()->pMethods->xWrite(self.real(), data, size, at);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  auto& self = of(file);
  if (!self.owner->alive_for_change()) {
    return SQLITE_IOERR_WRITE;
  }
  if (self.kept != nullptr) {
    self.kept->pending.push_back({.at = 0, .data = {}, .size = static_cast<std::size_t>(size)});
  }
  return self.real()->pMethods->xTruncate(self.real(), size);
}

int sync_file(sqlite3_file* file, int) {
  auto& self = of(file);
  auto& owner = *self.owner;
  if (!owner.alive_for_change()) {
    return SQLITE_IOERR;
  }
  if (owner.failing_sync && --*owner.failing_sync == 0) {
    owner.failing_sync.reset();
    owner.sync_failed = true;
    if (self.kept != nullptr) {
      // As Linux does: told once, the pages are called clean, and the next sync succeeds.
      self.kept->pending.clear();
    }
    return SQLITE_IOERR_FSYNC;
  }
  if (self.kept != nullptr) {
    auto& durable = self.kept->durable ? *self.kept->durable : self.kept->durable.emplace();
    for (const auto& one : self.kept->pending) {
      apply(durable, one, one.data.size());
    }
    self.kept->pending.clear();
  }
  return SQLITE_OK; // The real disk is not what is tested here.
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return of(file).real()->pMethods->xFileSize(of(file).real(), size);
}

int lock_file(sqlite3_file* file, int level) {
  return of(file).real()->pMethods->xLock(of(file).real(), level);
}

int unlock_file(sqlite3_file* file, int level) {
  return of(file).real()->pMethods->xUnlock(of(file).real(), level);
}

int check_reserved(sqlite3_file* file, int* result) {
  return of(file).real()->pMethods->xCheckReservedLock(of(file).real(), result);
}

int control_file(sqlite3_file* file, int operation, void* argument) {
  return of(file).real()->pMethods->xFileControl(of(file).real(), operation, argument);
}

int sector_size(sqlite3_file* file) {
  return of(file).real()->pMethods->xSectorSize(of(file).real());
}

int characteristics(sqlite3_file* file) {
  return of(file).real()->pMethods->xDeviceCharacteristics(of(file).real());
}

int map_memory(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  auto& self = of(file);
  const auto map = [&](int may_extend) {
    return self.real()->pMethods->xShmMap(self.real(), page, size, may_extend, memory);
  };
  if (!self.owner->is_index_full) {
    return map(extend);
  }
  const auto code = map(0);
  return code == SQLITE_OK && extend != 0 && *memory == nullptr ? SQLITE_IOERR_SHMSIZE : code;
}

int lock_memory(sqlite3_file* file, int offset, int count, int flags) {
  return of(file).real()->pMethods->xShmLock(of(file).real(), offset, count, flags);
}

void memory_barrier(sqlite3_file* file) {
  of(file).real()->pMethods->xShmBarrier(of(file).real());
}

int unmap_memory(sqlite3_file* file, int remove) {
  return of(file).real()->pMethods->xShmUnmap(of(file).real(), remove);
}

const sqlite3_io_methods methods{
    // Version 2: shared memory, but no memory mapping, past which writes could slip.
    2,
    close_file,
    read_file,
    write_file,
    truncate_file,
    sync_file,
    file_size,
    lock_file,
    unlock_file,
    check_reserved,
    control_file,
    sector_size,
    characteristics,
    map_memory,
    lock_memory,
    memory_barrier,
    unmap_memory,
    nullptr,
    nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* got) {
  auto& owner = *static_cast<state*>(vfs->pAppData);
  auto& self = of(file);
  self.base.pMethods = nullptr;
  self.owner = &owner;
  self.kept = nullptr;
  if (owner.dead) {
    return SQLITE_IOERR;
  }
  const bool lasting = name != nullptr && (flags & SQLITE_OPEN_DELETEONCLOSE) == 0;
  // A file that was there before us is on the disk.
  auto there = lasting && owner.files.count(name) == 0 ? read_whole(name) : std::nullopt;
  const auto code = owner.real->xOpen(owner.real, name, self.real(), flags, got);
  if (code != SQLITE_OK) {
    return code;
  }
  if (lasting) {
    auto [place, fresh] = owner.files.try_emplace(name);
    if (fresh) {
      place->second.durable = std::move(there);
    }
    self.kept = &place->second;
  }
  self.base.pMethods = &methods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  auto& owner = *static_cast<state*>(vfs->pAppData);
  if (!owner.alive_for_change()) {
    return SQLITE_IOERR_DELETE;
  }
  if (const auto kept = owner.files.find(name); kept != owner.files.end()) {
    kept->second.pending.clear();
    if (sync_folder != 0) {
      kept->second.durable.reset();
    }
  }
  return owner.real->xDelete(owner.real, name, 0);
}

int access_file(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  auto& owner = *static_cast<state*>(vfs->pAppData);
  return owner.real->xAccess(owner.real, name, flags, result);
}

int full_name(sqlite3_vfs* vfs, const char* name, int size, char* result) {
  auto& owner = *static_cast<state*>(vfs->pAppData);
  return owner.real->xFullPathname(owner.real, name, size, result);
}

/// What could be found of `file` after the power went.
std::optional<content>
survivor(const shadow& file, forgetful_vfs::unsynced fate, std::mt19937_64& random) {
  auto left = file.durable;
  if (fate == forgetful_vfs::unsynced::lost) {
    return left;
  }
  for (const auto& one : file.pending) {
    if ((random() & 1) == 0) {
      continue;
    }
    // One in four is torn at a sector.
    const bool torn = (random() & 3) == 0;
    const auto whole = one.data.size();
    const auto kept = torn ? (random() % (whole / sector + 1)) * sector : whole;
    apply(left ? *left : left.emplace(), one, kept);
  }
  return left;
}

} // namespace

forgetful_vfs::forgetful_vfs(std::uint64_t seed) : state_{std::make_unique<state>()} {
  static std::atomic<int> count{0};
  state_->name = "forgetful-" + std::to_string(++count);
  state_->random.seed(seed);
  state_->real = sqlite3_vfs_find(nullptr);
  auto& vfs = state_->vfs;
  vfs = *state_->real;
  vfs.pNext = nullptr;
  vfs.zName = state_->name.c_str();
  vfs.pAppData = state_.get();
  vfs.szOsFile = static_cast<int>(sizeof(forgetful_file)) + state_->real->szOsFile;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access_file;
  vfs.xFullPathname = full_name;
  sqlite3_vfs_register(&vfs, 0);
}

forgetful_vfs::~forgetful_vfs() {
  sqlite3_vfs_unregister(&state_->vfs);
}

const std::string& forgetful_vfs::name() const {
  return state_->name;
}

void forgetful_vfs::crash() {
  state_->dead = true;
}

void forgetful_vfs::crash_before(std::uint64_t nth) {
  state_->crash_at = state_->operations + nth;
}

bool forgetful_vfs::crashed() const {
  return state_->dead;
}

void forgetful_vfs::restart(unsynced fate) {
  for (const auto& [path, file] : state_->files) {
    const auto left = survivor(file, fate, state_->random);
    if (!left) {
      std::filesystem::remove(path);
      continue;
    }
    std::ofstream to{path, std::ios::binary | std::ios::trunc};
    to.write(left->data(), static_cast<std::streamsize>(left->size()));
  }
  // The index of the WAL lives in shared memory and ends with the machine.
  for (const auto& [path, file] : state_->files) {
    std::filesystem::remove(path + "-shm");
  }
  state_->files.clear();
  state_->dead = false;
  state_->crash_at.reset();
}

std::uint64_t forgetful_vfs::operations() const {
  return state_->operations;
}

void forgetful_vfs::limit_growth(std::uint64_t bytes) {
  state_->growth_left = bytes;
}

void forgetful_vfs::unlimit_growth() {
  state_->growth_left.reset();
}

void forgetful_vfs::set_index_full(bool is_full) {
  state_->is_index_full = is_full;
}

void forgetful_vfs::fail_sync(std::uint64_t nth) {
  state_->failing_sync = nth;
  state_->sync_failed = false;
}

bool forgetful_vfs::sync_failed() const {
  return state_->sync_failed;
}

} // namespace troupe::store
