#include "tests/store/postgres/private_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <future>
#include <iterator>
#include <libpq-fe.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <pwd.h>
#include <sstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace troupe::store {

namespace {

namespace fs = std::filesystem;

/// The folder of the newest release there is; empty if none is.
fs::path programs() {
  std::vector<fs::path> found;
  std::error_code none;
  for (const auto& each : fs::directory_iterator{"/usr/lib/postgresql", none}) {
    if (fs::exists(each.path() / "bin/postgres")) {
      found.push_back(each.path() / "bin");
    }
  }
  return found.empty() ? fs::path{} : std::ranges::max(found);
}

/// Whom a server runs as, since it refuses root; nothing: as who runs the test.
std::optional<passwd> other_user() {
  if (getuid() != 0) {
    return std::nullopt;
  }
  const passwd* const found = getpwnam("postgres");
  if (found == nullptr) {
    throw std::runtime_error{"there is no user `postgres`, and root may not run PostgreSQL"};
  }
  return *found;
}

std::string content_of(const fs::path& name) {
  std::ifstream file{name, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

void give_away(const fs::path& name) {
  if (const auto user = other_user()) {
    if (chown(name.c_str(), user->pw_uid, user->pw_gid) != 0) {
      throw std::runtime_error{"cannot give " + name.string() + " to postgres"};
    }
  }
}

/// Runs a program as the server's user, its output in the file `log`. It dies with the thread that
/// calls this.
pid_t spawn(const std::vector<std::string>& command, const fs::path& log, int keep = -1) {
  std::vector<char*> words;
  for (const std::string& each : command) {
    words.push_back(const_cast<char*>(each.c_str()));
  }
  words.push_back(nullptr);
  const auto user = other_user();
  const pid_t pid = fork();
  if (pid != 0) {
    return pid;
  }
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  if (keep >= 0) {
    fcntl(keep, F_SETFD, 0);
  }
  if (user && (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
    _exit(127);
  }
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  setenv("LC_ALL", "C", 1);
  execv(words[0], words.data());
  _exit(127);
}

/// Runs a program that dies with this process, whichever thread asks for it.
pid_t spawn_for_good(const std::vector<std::string>& command, const fs::path& log, int keep) {
  const auto started = std::make_shared<std::promise<pid_t>>();
  auto pid = started->get_future();
  std::thread{[=] {
    started->set_value(spawn(command, log, keep));
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr); // Signals are for the threads of the test.
    while (true) {
      pause();
    }
  }}.detach();
  return pid.get();
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

void run_program(const std::vector<std::string>& command, const fs::path& log) {
  if (wait_for(spawn(command, log)) != 0) {
    throw std::runtime_error{command[0] + " failed: " + content_of(log)};
  }
}

fs::path new_folder() {
  auto pattern = (fs::temp_directory_path() / "troupe-postgres-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error{"no temporary folder"};
  }
  give_away(pattern);
  return pattern;
}

/// The data of a new server, made once for each machine, user and release.
fs::path first_data() {
  const fs::path kept = fs::temp_directory_path()
                        / ("troupe-postgres-" + programs().parent_path().filename().string() + "-"
                           + std::to_string(getuid()));
  if (fs::exists(kept / "PG_VERSION")) {
    return kept;
  }
  const fs::path made = new_folder();
  run_program(
      {(programs() / "initdb").string(),
       "-D",
       (made / "data").string(),
       "--username=postgres",
       "--auth=trust",
       "--encoding=UTF8",
       "--locale=C",
       "--wal-segsize=1",
       "--no-sync"},
      made / "log");
  std::error_code failed;
  fs::rename(made / "data", kept, failed); // Another test may have been quicker.
  fs::remove_all(made, failed);
  return kept;
}

} // namespace

bool private_server::is_installed() {
  return !programs().empty();
}

private_server::private_server(settings extra) : folder_{new_folder()} {
  const fs::path from = first_data();
  run_program({"/bin/cp", "-a", from.string(), (folder_ / "data").string()}, folder_ / "log");
  start(extra);
}

private_server::private_server(no_data /*none*/) : folder_{new_folder()} {
}

std::unique_ptr<private_server>
private_server::standby_of(const private_server& primary, settings extra) {
  std::unique_ptr<private_server> made{new private_server{no_data{}}};
  run_program(
      {(programs() / "pg_basebackup").string(),
       "-h",
       primary.folder_.string(),
       "-p",
       "5432",
       "-U",
       "postgres",
       "-D",
       (made->folder_ / "data").string(),
       "-X",
       "stream",
       "-c",
       "fast",
       "-R",
       "--no-sync"},
      made->folder_ / "log");
  made->start(extra);
  return made;
}

private_server::~private_server() {
  end(SIGQUIT);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string private_server::url_of(const std::string& user, const std::string& database) const {
  return "postgresql:///" + database + "?host=" + folder_.string() + "&port=5432&user=" + user;
}

std::string private_server::url_with(const private_server& other) const {
  return "postgresql:///postgres?host=" + folder_.string() + "," + other.folder_.string()
         + "&port=5432&user=postgres";
}

void private_server::run(const std::string& sql) const {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> admin{PQconnectdb(url().c_str()), &PQfinish};
  const std::unique_ptr<PGresult, decltype(&PQclear)> done{
      PQexec(admin.get(), sql.c_str()), &PQclear};
  if (PQresultStatus(done.get()) != PGRES_COMMAND_OK) {
    throw std::runtime_error{sql + ": " + PQerrorMessage(admin.get())};
  }
}

void private_server::set_access(const std::string& lines) const {
  std::ofstream{folder_ / "data/pg_hba.conf", std::ios::trunc} << lines << '\n';
}

void private_server::reload() const {
  ::kill(pid_, SIGHUP);
}

void private_server::start(const settings& extra) {
  extra_ = extra;
  settings all{
      {"unix_socket_directories", folder_.string()},
      {"listen_addresses", ""},
      {"port", "5432"},
      {"shared_buffers", "16MB"},
      {"max_connections", "60"},
      {"max_wal_size", "64MB"},
      {"min_wal_size", "8MB"},
      {"autovacuum", "off"},
      {"recovery_init_sync_method", "syncfs"}};
  for (const auto& [name, value] : extra) {
    all[name] = value;
  }
  std::vector<std::string> command{
      (programs() / "postgres").string(), "-D", (folder_ / "data").string()};
  for (const auto& [name, value] : all) {
    command.insert(command.end(), {"-c", name + "=" + value});
  }
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error{"no pipe"};
  }
  std::error_code ignored;
  fs::remove(folder_ / "log", ignored);
  pid_ = spawn_for_good(command, folder_ / "log", ends[1]);
  close(ends[1]);
  alive_ = ends[0];
  const std::vector<std::string> ask{
      (programs() / "pg_isready").string(),
      "-q",
      "-h",
      folder_.string(),
      "-p",
      all["port"],
      "-U",
      "postgres",
      "-d",
      "postgres",
      "-t",
      "5"};
  while (wait_for(spawn(ask, folder_ / "log")) != 0) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      close(alive_);
      throw std::runtime_error{"the server did not start: " + log()};
    }
  }
}

void private_server::stop() {
  end(SIGINT);
}

void private_server::kill() {
  end(SIGKILL);
}

void private_server::freeze() const {
  for (const pid_t each : processes()) {
    ::kill(each, SIGSTOP);
  }
}

void private_server::wake() const {
  for (const pid_t each : processes()) {
    ::kill(each, SIGCONT);
  }
}

void private_server::promote() const {
  run_program(
      {(programs() / "pg_ctl").string(), "promote", "-w", "-D", (folder_ / "data").string()},
      folder_ / "log");
}

std::string private_server::log() const {
  return content_of(folder_ / "log");
}

/// The postmaster and its children.
std::vector<pid_t> private_server::processes() const {
  std::vector<pid_t> found{pid_};
  std::istringstream children{
      content_of("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children")};
  for (pid_t each = 0; children >> each;) {
    found.push_back(each);
  }
  return found;
}

void private_server::end(int signal) {
  if (pid_ < 0) {
    return;
  }
  wake();
  ::kill(pid_, signal);
  wait_for(pid_);
  pid_ = -1;
  pollfd last{alive_, POLLIN, 0}; // Hung up once no process of it is left.
  poll(&last, 1, 60'000);
  close(alive_);
}

private_server& shared_server() {
  if (!private_server::is_installed()) {
    throw std::runtime_error{"PostgreSQL is not installed"}; // CTest calls such a run skipped.
  }
  static private_server server;
  return server;
}

} // namespace troupe::store
