#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace troupe::store {

/// A PostgreSQL server of a test's own, reached through a socket in a temporary folder and ended
/// with the object. Its settings are those of a small machine; the database is `postgres`, UTF8
/// and C.
///
/// The servers of one machine begin as copies of one folder that the first of them has made
/// (initdb takes seconds). Run by root, a server runs as the user `postgres`.
class private_server {
public:
  using settings = std::map<std::string, std::string>;

  /// True where PostgreSQL is installed.
  static bool is_installed();

  /// Throws std::runtime_error if the server does not start.
  explicit private_server(settings extra = {});

  /// A standby of `primary`, which it follows until it is promoted.
  static std::unique_ptr<private_server>
  standby_of(const private_server& primary, settings extra = {});

  private_server(const private_server&) = delete;
  private_server& operator=(const private_server&) = delete;
  ~private_server();

  /// Of the database, for the superuser, who needs no password.
  std::string url() const { return url_of("postgres"); }

  std::string url_of(const std::string& user, const std::string& database = "postgres") const;

  /// Of the database, on this server or the other: this one is tried first.
  std::string url_with(const private_server& other) const;

  /// Runs a statement as the superuser, outside of a transaction: CREATE DATABASE, CREATE ROLE.
  void run(const std::string& sql) const;

  /// Replaces pg_hba.conf; takes effect at the next start or `reload`.
  void set_access(const std::string& lines) const;
  void reload() const;

  /// Starts the server that was stopped or killed. @param extra in place of those before.
  void start(const settings& extra);

  void start() { start(extra_); }

  /// Ends it in order.
  void stop();

  /// Kills the postmaster (SIGKILL), and waits until what it leaves behind has noticed.
  void kill();

  /// Stops all its processes where they are (SIGSTOP), or lets them go on.
  void freeze() const;
  void wake() const;

  /// Makes a primary of a standby; it takes writes when this returns.
  void promote() const;

  /// What it has written to its log.
  std::string log() const;

private:
  struct no_data {};

  explicit private_server(no_data none);

  std::vector<pid_t> processes() const;
  void end(int signal);

  std::filesystem::path folder_;
  settings extra_;
  pid_t pid_ = -1;
  int alive_ = -1; // A pipe that each process of the server holds open.
};

/// The one server of this test program, started when it is asked for first.
private_server& shared_server();

} // namespace troupe::store
