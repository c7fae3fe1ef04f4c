#include "runtime/store/sqlite/turnstile.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace troupe::store {

namespace {

/// The timer repeats, since a signal may arrive just before the thread blocks in the kernel.
constexpr std::chrono::milliseconds wake_period{20};
constexpr std::size_t name_size = 96;
// Follows the name in the file: "database 01a206c0-b8fa-7000-8001-65c2ec9e316f\n".
constexpr std::string_view database_word = "database ";
constexpr std::size_t uuid_text_size = 36;
constexpr std::size_t database_line_size = database_word.size() + uuid_text_size + 1;
// A stopped process does not resume by itself, and all writers wait for it.
constexpr std::chrono::seconds stopped_max{1};
/// Far below every limit after which a holder counts as stalled.
constexpr std::chrono::milliseconds sign_period{500};

std::string reason(int number) {
  return std::generic_category().message(number);
}

int wake_signal() {
  return SIGRTMAX - 2;
}

void ignore_wake(int) {
}

void install_wake_handler() {
  struct sigaction action {};

  action.sa_handler = ignore_wake;
  sigemptyset(&action.sa_mask);
  // No SA_RESTART, so that the signal interrupts the system call.
  sigaction(wake_signal(), &action, nullptr);
}

/// Interrupts the calling thread's system calls, from a given time until it is destroyed.
class wake_timer {
public:
  explicit wake_timer(std::chrono::nanoseconds first) {
    // The handler stays installed: it costs nothing while no signal is sent.
    static const bool installed = (install_wake_handler(), true);
    static_cast<void>(installed);

    struct sigevent event {};

    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = wake_signal();
    event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
    made_ = timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
    sigset_t wakes;
    sigemptyset(&wakes);
    sigaddset(&wakes, wake_signal());
    // Unblock the signal, for threads that block all signals.
    pthread_sigmask(SIG_UNBLOCK, &wakes, &mask_before_);
    if (made_) {
      struct itimerspec plan {};

      plan.it_value = spec(std::max(first, std::chrono::nanoseconds{1}));
      plan.it_interval = spec(wake_period);
      timer_settime(timer_, 0, &plan, nullptr);
    }
  }

  wake_timer(const wake_timer&) = delete;
  wake_timer& operator=(const wake_timer&) = delete;

  ~wake_timer() {
    if (made_) {
      timer_delete(timer_);
    }
    pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }

  bool made() const { return made_; }

private:
  static struct timespec spec(std::chrono::nanoseconds time) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);

    struct timespec result {};

    result.tv_sec = seconds.count();
    result.tv_nsec = (time - seconds).count();
    return result;
  }

  timer_t timer_{};
  bool made_ = false;
  sigset_t mask_before_{};
};

/// Gives a lock file that root created to the owner of the database or, if there is none yet, of
/// its folder; otherwise the system's user could not open it. SQLite does the same with its files.
void give_to_owner(int lock, const std::string& database) {
  struct stat made {};

  struct stat owned {};

  if (::geteuid() != 0 || ::fstat(lock, &made) != 0 || made.st_uid != 0) {
    return;
  }
  const std::string folder = database.substr(0, database.rfind('/') + 1);
  const bool has_owner = ::stat(database.c_str(), &owned) == 0
                         || ::stat(folder.empty() ? "." : folder.c_str(), &owned) == 0;
  if (has_owner && ::fchown(lock, owned.st_uid, owned.st_gid) != 0) {
    return; // A process that cannot open the file will report it.
  }
}

int open_lock_file(const std::string& database, std::string_view part) {
  constexpr mode_t readable_by_group = 0640;
  const std::string path = database + std::string{part};
  const int opened = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, readable_by_group);
  if (opened >= 0) {
    give_to_owner(opened, database);
  }
  return opened;
}

/// The process named in the lock file: "pid 4711 start 123456 turn 12 limit 11000" (earlier
/// releases write no limit). Anything after this line has another purpose.
std::optional<lock_holder> named_in(int descriptor) {
  std::array<char, name_size + 1> text{};
  const auto size = pread(descriptor, text.data(), name_size, 0);
  *std::find(text.begin(), text.end() - 1, '\n') = '\0';
  int pid = 0;
  std::int64_t limit = 0;
  lock_holder found;
  const int fields = size <= 0 ? 0
                               : std::sscanf(
                                   text.data(),
                                   "pid %d start %" SCNu64 " turn %" SCNu64 " limit %" SCNd64,
                                   &pid,
                                   &found.process.start_time,
                                   &found.turn,
                                   &limit);
  if (fields < 3) {
    return std::nullopt;
  }
  if (fields == 4 && limit > 0) {
    found.limit = std::chrono::milliseconds{limit};
  }
  found.process.pid = pid;
  return found;
}

} // namespace

std::string describe(const lock_holder& holder) {
  return fmt::format(
      "process {}{}{}",
      holder.process.pid,
      holder.process.stopped() ? ", which is stopped," : "",
      holder.inside ? fmt::format(" in its turn {}", holder.turn) : " next in the queue");
}

turnstile::turnstile(std::string path, int next, int lock)
    : path_{std::move(path)}, next_{next}, lock_{lock}, self_{process_called(getpid()).value_or(
                                                            process_info{.pid = getpid()})} {
  // Different turnstiles of one process must not have the same turn numbers.
  turn_ = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

outcome<turnstile> turnstile::open(const std::string& path) {
  const auto next = open_lock_file(path, ".next");
  const auto lock = next < 0 ? -1 : open_lock_file(path, ".lock");
  if (lock < 0) {
    const auto number = errno;
    if (next >= 0) {
      ::close(next);
    }
    return failure{internal_error(fmt::format(
        "cannot open the lock files {}.next and {}.lock: {}", path, path, reason(number)))};
  }
  return turnstile{path, next, lock};
}

turnstile::turnstile(turnstile&& other) noexcept
    : path_{std::move(other.path_)}, next_{std::exchange(other.next_, -1)},
      lock_{std::exchange(other.lock_, -1)}, held_{std::exchange(other.held_, false)},
      self_{other.self_}, turn_{other.turn_}, limit_{other.limit_}, seen_{other.seen_},
      seen_since_{other.seen_since_}, moving_at_{other.moving_at_} {
}

turnstile& turnstile::operator=(turnstile&& other) noexcept {
  if (this != &other) {
    close_files();
    path_ = std::move(other.path_);
    next_ = std::exchange(other.next_, -1);
    lock_ = std::exchange(other.lock_, -1);
    held_ = std::exchange(other.held_, false);
    self_ = other.self_;
    turn_ = other.turn_;
    limit_ = other.limit_;
    seen_ = other.seen_;
    seen_since_ = other.seen_since_;
    moving_at_ = other.moving_at_;
  }
  return *this;
}

turnstile::~turnstile() {
  close_files();
}

void turnstile::close_files() noexcept {
  // Closing releases the locks.
  if (next_ >= 0) {
    ::close(next_);
  }
  if (lock_ >= 0) {
    ::close(lock_);
  }
}

outcome<void> turnstile::lock(std::chrono::milliseconds patience) {
  if (held_) {
    return failure{internal_error("the turnstile " + path_ + " is held already")};
  }
  // Taking a free lock, the usual case, costs four system calls and does not read the clock.
  std::optional<instant> deadline;
  for (const auto descriptor : {next_, lock_}) {
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
      continue;
    }
    if (!deadline) {
      deadline = std::chrono::steady_clock::now() + patience;
    }
    auto waited = wait_for(descriptor, *deadline);
    if (!waited) {
      auto found = waited.error().code == errc::unavailable ? gave_up(patience) : waited.error();
      if (descriptor == lock_) {
        flock(next_, LOCK_UN);
      }
      return failure{std::move(found)};
    }
  }
  held_ = true;
  ++turn_;
  seen_.reset();
  write_name();
  flock(next_, LOCK_UN);
  return {};
}

void turnstile::unlock() noexcept {
  if (held_) {
    held_ = false;
    flock(lock_, LOCK_UN);
  }
}

outcome<void> turnstile::wait_for(int descriptor, instant deadline) {
  // Most waits last a few milliseconds, for one turn of another process, so look for the holder
  // only later.
  auto next_look = std::min(deadline, std::chrono::steady_clock::now() + wake_period);
  const wake_timer timer{next_look - std::chrono::steady_clock::now()};
  if (!timer.made()) {
    return failure{internal_error("no timer for the turnstile: " + reason(errno))};
  }
  while (flock(descriptor, LOCK_EX) != 0) {
    if (errno != EINTR) {
      return failure{internal_error(fmt::format("cannot lock {}: {}", path_, reason(errno)))};
    }
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) {
      observe();
      return failure{error{.code = errc::unavailable, .message = {}}};
    }
    if (now >= next_look) {
      observe();
      constexpr int looks_apart = 10;
      next_look = now + looks_apart * wake_period;
    }
  }
  return {};
}

error turnstile::gave_up(std::chrono::milliseconds patience) const {
  return error{
      .code = errc::unavailable,
      .message = fmt::format(
          "waited {} ms for the lock of {}, held by {}{}",
          patience.count(),
          path_,
          seen_ ? describe(*seen_) : "an unknown process",
          seen_ && !is_writer(seen_->process) ? "; it is none of the writers and is left alone: "
                                                "end it, or have it give the lock back"
                                              : ""),
      .retry_after = patience};
}

std::optional<lock_holder> turnstile::holder() const {
  const auto named = named_in(lock_);
  auto found = named;
  const auto likely = named ? std::optional{named->process.pid} : std::nullopt;
  // Prefer /proc/locks to the lock file: a process stopped between taking the lock and writing its
  // name would be mistaken for its predecessor.
  if (const auto inside = held_ ? std::nullopt : flock_holder(lock_, likely)) {
    found = named.value_or(lock_holder{});
    found->process.pid = *inside;
  } else if (const auto queued = flock_holder(next_, std::nullopt)) {
    found = named.value_or(lock_holder{});
    found->process.pid = *queued;
    found->inside = false;
  } else if (!found || locks_are_visible()) {
    return std::nullopt;
  }
  const auto process = process_called(found->process.pid);
  const bool named_one_is_gone = named && found->process.pid == named->process.pid && process
                                 && process->start_time != named->process.start_time
                                 && found->inside;
  if (!process || named_one_is_gone) {
    return std::nullopt;
  }
  found->process = *process;
  return found;
}

void turnstile::observe() {
  const auto now = holder();
  const instant time = std::chrono::steady_clock::now();
  const bool is_same = now && seen_ && now->same_turn(*seen_);
  if (!is_same) {
    seen_since_ = time;
  }
  if (!is_same || !now->process.suspended()) {
    moving_at_ = time;
  }
  seen_ = now;
}

/// Whether a process has both lock files open, as writers do.
bool turnstile::is_writer(const process_info& process) const {
  return has_open(process.pid, next_) && has_open(process.pid, lock_);
}

std::optional<lock_holder> turnstile::kill_stalled_holder(std::chrono::milliseconds limit) {
  observe();
  if (!seen_ || seen_->process.pid == getpid()) {
    return std::nullopt;
  }
  // Releases or topologies may have different limits: a turn is judged by its own process's limit.
  const std::chrono::milliseconds most = seen_->limit.value_or(limit);
  const instant time = std::chrono::steady_clock::now();
  const bool is_overdue = time - seen_since_ >= most;
  const bool is_stopped =
      seen_->process.suspended()
      && time - moving_at_ >= std::min<std::chrono::milliseconds>(most, stopped_max);
  if ((!is_overdue && !is_stopped) || !is_writer(seen_->process)) {
    return std::nullopt;
  }
  const auto victim = *std::exchange(seen_, std::nullopt);
  return kill_process(victim.process) ? std::optional{victim} : std::nullopt;
}

// Nothing here throws: the format is checked at compile time.
void turnstile::write_name() noexcept { // NOLINT(bugprone-exception-escape)
  std::array<char, name_size> text{};
  text.fill(' ');
  text.back() = '\n';
  const auto named = fmt::format_to_n(
      text.data(), text.size() - 1, "pid {} start {} turn {}", self_.pid, self_.start_time, turn_);
  if (limit_) {
    fmt::format_to_n(
        named.out,
        static_cast<std::size_t>(text.data() + text.size() - 1 - named.out),
        " limit {}",
        limit_->count());
  }
  // A failed write is harmless, since /proc/locks still shows the process.
  static_cast<void>(pwrite(lock_, text.data(), text.size(), 0) < 0);
}

std::optional<uuid> turnstile::noted_database() const {
  std::array<char, database_line_size> text{};
  const auto size = pread(lock_, text.data(), text.size(), name_size);
  const std::string_view line{text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  if (line.size() < text.size() || !line.starts_with(database_word)) {
    return std::nullopt;
  }
  return parse_uuid(line.substr(database_word.size(), uuid_text_size));
}

// Nothing here throws, as in write_name.
void turnstile::note_database(const uuid& id) noexcept { // NOLINT(bugprone-exception-escape)
  std::array<char, database_line_size> text{};
  text.back() = '\n';
  fmt::format_to_n(text.data(), text.size() - 1, "{}{}", database_word, to_string(id));
  write_name(); // The preceding line must exist.
  // Without this note a lost database looks like one that never existed.
  static_cast<void>(pwrite(lock_, text.data(), text.size(), name_size) < 0);
}

long_work::long_work(turnstile& gate)
    : sign_{[&gate](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any over;
        std::unique_lock lock{mutex};
        while (!over.wait_for(lock, stop, sign_period, [&stop] { return stop.stop_requested(); })) {
          ++gate.turn_;
          gate.write_name();
        }
      }} {
}

long_work::~long_work() = default;

outcome<turnstile_guard>
turnstile_guard::lock(turnstile& gate, std::chrono::milliseconds patience) {
  TROUPE_CHECK(gate.lock(patience));
  return turnstile_guard{gate};
}

} // namespace troupe::store
