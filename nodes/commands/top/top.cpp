#include "nodes/commands/top/top.hpp"

#include "nodes/commands/output.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/commands/status/system_reader.hpp"
#include "nodes/commands/top/board.hpp"
#include "nodes/commands/top/outage.hpp"
#include "nodes/commands/top/terminal.hpp"
#include "nodes/connection.hpp"
#include "nodes/stop_signals.hpp"
#include "nodes/text_table.hpp"
#include "runtime/quiet_thread.hpp"
#include "runtime/time_text.hpp"

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace troupe {

namespace {

constexpr milliseconds reading_interval{1'000};
constexpr std::size_t columns_without_terminal = 100;

struct top_arguments {
  std::string file;
};

system_links links_of(const topology::plan& plan) {
  return system_links{plan, [&plan](std::vector<std::string> brokers) {
                        return options_for_command(plan, std::move(brokers), "top");
                      }};
}

/// Reads the system once a second on its own thread, so that keys and changes of the terminal's
/// size are handled meanwhile.
class reading_thread {
public:
  /// The arguments must outlive this object.
  reading_thread(const topology::plan& plan, const std::string& file, const clock& time)
      : plan_{plan}, reader_{plan, file, time}, time_{time}, news_{::eventfd(0, EFD_CLOEXEC)},
        thread_{quiet_thread([this] { work(); })} {}

  /// Waits for the current reading, about a second.
  ~reading_thread() {
    {
      const std::lock_guard lock{mutex_};
      is_over_ = true;
    }
    changed_.notify_one();
    thread_.join();
    ::close(news_);
  }

  reading_thread(const reading_thread&) = delete;
  reading_thread& operator=(const reading_thread&) = delete;

  /// Readable when there is a new state.
  int descriptor() const { return news_; }

  /// The new state.
  std::shared_ptr<const system_state> take() {
    std::uint64_t count = 0;
    (void)!::read(news_, &count, sizeof count);
    const std::lock_guard lock{mutex_};
    return state_;
  }

private:
  void work() {
    system_links links = links_of(plan_);
    std::unique_lock lock{mutex_};
    while (!is_over_) {
      lock.unlock();
      const instant begun = time_.now();
      auto fresh = std::make_shared<const system_state>(reader_.read(links));
      lock.lock();
      state_ = std::move(fresh);
      const std::uint64_t one = 1;
      (void)!::write(news_, &one, sizeof one);
      changed_.wait_until(lock, begun + reading_interval, [this] { return is_over_; });
    }
  }

  const topology::plan& plan_;
  system_reader reader_;
  const clock& time_;
  const int news_;
  std::mutex mutex_; // Guards the members below.
  std::condition_variable changed_;
  bool is_over_ = false;
  std::shared_ptr<const system_state> state_;
  std::thread thread_;
};

/// A descriptor that reports signals; closed when destroyed.
class signal_descriptor {
public:
  explicit signal_descriptor(const sigset_t& signals)
      : descriptor_{::signalfd(-1, &signals, SFD_CLOEXEC)} {}

  ~signal_descriptor() { ::close(descriptor_); }

  signal_descriptor(const signal_descriptor&) = delete;
  signal_descriptor& operator=(const signal_descriptor&) = delete;

  int descriptor() const { return descriptor_; }

  int take() const {
    signalfd_siginfo told{};
    return ::read(descriptor_, &told, sizeof told) == sizeof told ? static_cast<int>(told.ssi_signo)
                                                                  : SIGTERM;
  }

private:
  const int descriptor_;
};

/// Draws the newest state.
class top_screen {
public:
  explicit top_screen(terminal& on) : on_{on} {}

  void take(std::shared_ptr<const system_state> fresh, wall_time now) {
    state_ = std::move(fresh);
    at_ = now;
    notice_ = outage_.note(verdict_on(state_->answers.view, state_->found), now);
    draw();
  }

  void draw() {
    board_room room = on_.room();
    if (!state_) {
      return on_.show({{"asking ...", board_line::tone::quiet}});
    }
    const bool has_foot = room.rows > 2;
    room.rows -= has_foot ? 1 : 0;
    std::vector<board_line> lines = board_of(*state_, notice_, room);
    if (has_foot) {
      lines.resize(room.rows);
      const std::string foot =
          fmt::format("  as of {} UTC   q ends it", utc_time_text(at_).substr(11, 8));
      lines.push_back({std::string{first_characters(foot, room.columns)}, board_line::tone::quiet});
    }
    on_.show(lines);
  }

private:
  terminal& on_;
  outage outage_;
  std::shared_ptr<const system_state> state_;
  wall_time at_{};
  std::string notice_;
};

/// Whether a key, or the end of the keyboard input, ends the program.
bool is_end(int key, short events) {
  return key == 'q' || key == 'Q' || key < 0 || (key == 0 && (events & (POLLHUP | POLLERR)) != 0);
}

/// Runs until the user ends it.
void run_in_terminal(const topology::plan& plan, const std::string& file, const sigset_t& signals) {
  const system_clock time;
  const signal_descriptor told{signals};
  reading_thread reading{plan, file, time};
  const char* const no_colour = std::getenv("NO_COLOR"); // https://no-color.org
  terminal on{no_colour == nullptr || *no_colour == '\0'};
  top_screen screen{on};
  screen.draw();
  for (;;) {
    std::array<pollfd, 3> news{
        {{told.descriptor(), POLLIN, 0},
         {reading.descriptor(), POLLIN, 0},
         {on.has_keys() ? STDIN_FILENO : -1, POLLIN, 0}}};
    if (::poll(news.data(), news.size(), -1) < 0) {
      continue;
    }
    if (news[0].revents != 0) {
      const int signal = told.take();
      if (signal == SIGTSTP) {
        on.stop_process();
      } else if (signal != SIGWINCH) {
        return;
      }
      screen.draw();
    }
    if (news[1].revents != 0) {
      screen.take(reading.take(), time.wall());
    }
    if (news[2].revents != 0 && is_end(on.key(), news[2].revents)) {
      return;
    }
  }
}

int run_once(const topology::plan& plan, const std::string& file) {
  const system_clock time;
  system_links links = links_of(plan);
  const system_state state = system_reader{plan, file, time}.read(links);
  board_room room;
  room.columns = terminal_columns(columns_without_terminal);
  for (const board_line& each : board_of(state, "", room)) {
    fmt::print("{}\n", each.text);
  }
  return verdict_on(state.answers.view, state.found) == system_health::unreachable
             ? exit_code::error
             : exit_code::ok;
}

int run(const top_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, false));
  if (const auto own = options_for_command(plan, addresses_of(plan), "top"); !own) {
    return print_error(own.error(), false);
  }
  if (!terminal::is_there()) {
    return run_once(plan, given.file);
  }
  // Block the signals before any thread starts, since threads inherit the mask.
  sigset_t signals = block_stop_signals();
  for (const int each : {SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) {
    block_also(signals, each);
  }
  run_in_terminal(plan, given.file, signals);
  return exit_code::ok;
}

} // namespace

void add_top(command_line& line) {
  const auto given = std::make_shared<top_arguments>();
  line.add("top", "Shows the live state of the system in a terminal, until q")
      .word("FILE", given->file, "the topology")
      .footer(with_exit_codes(
          "It refreshes once a second, and changes nothing. What does not fit into the terminal is "
          "left out, healthy capabilities first. If stdout is not a terminal, it prints one screen "
          "and ends. NO_COLOR=1 turns colours off."))
      .runs([given] { return run(*given); });
}

} // namespace troupe
