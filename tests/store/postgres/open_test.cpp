#include "runtime/store/migrations.hpp"
#include "runtime/store/postgres/database.hpp"
#include "runtime/store/postgres/moves.hpp"
#include "tests/store/postgres/postgres_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <fmt/format.h>
#include <functional>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

bool says(const error& found, std::string_view part) {
  return found.message.find(part) != std::string::npos;
}

/// A server whose settings a test chooses.
struct own_server {
  private_server server;
  postgres_options options{.capability = "orders"};

  explicit own_server(private_server::settings settings = {}) : server{std::move(settings)} {}

  error refusal(const std::string& url) const {
    const auto opened = open_postgres(url, "orders", options);
    BOOST_REQUIRE(!opened);
    BOOST_TEST((opened.error().possible == effect::none));
    return opened.error();
  }

  error refusal() const { return refusal(server.url()); }

  void run(const std::string& sql) const { server.run(sql); }
};

/// An address at which somebody listens who says nothing, as a host that stands still.
class silent_host {
public:
  silent_host() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    BOOST_REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&at), size) == 0);
    BOOST_REQUIRE(::listen(socket_, 16) == 0);
    BOOST_REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port = std::to_string(ntohs(at.sin_port));
  }

  silent_host(const silent_host&) = delete;
  silent_host& operator=(const silent_host&) = delete;

  ~silent_host() { ::close(socket_); }

  std::string port;

private:
  int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

std::chrono::milliseconds time_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
}

} // namespace

BOOST_AUTO_TEST_SUITE(
    runtime_store_postgres_open,
    *utf::label("integration") * utf::timeout(300) * utf::precondition(has_postgres))

BOOST_FIXTURE_TEST_CASE(a_schema_is_made_once_and_found_again, postgres_fixture) {
  const uuid made = open()->instance();

  BOOST_TEST((open()->instance() == made));
  options.create = false;
  BOOST_TEST((open()->instance() == made));
  schema = schema_of(folder.file("other"));
  BOOST_TEST(refusal().code == errc::invalid);
  options.create = true;
  BOOST_TEST((open()->instance() != made));
}

BOOST_FIXTURE_TEST_CASE(the_schema_of_somebody_else_is_left_alone, postgres_fixture) {
  options.system = "shop";
  open();

  options.capability = "payments";
  BOOST_TEST(says(refusal(), "belongs to `orders`, not to `payments`"));
  options.capability = "orders";
  options.system = "other_shop";
  BOOST_TEST(says(refusal(), "belongs to the system `shop`, not to `other_shop`"));
  options.system.clear();
  BOOST_CHECK_NO_THROW(open());

  const auto session = open();
  const std::string foreign = schema_of(folder.file("foreign"));
  session->script("CREATE SCHEMA \"" + foreign + "\"; CREATE TABLE \"" + foreign + "\".a (b TEXT)");
  schema = foreign;
  const error why = refusal();
  BOOST_TEST(why.code == errc::invalid);
  BOOST_TEST(says(why, "tables that Troupe did not make"));
}

BOOST_AUTO_TEST_CASE(a_database_in_which_data_are_moved_is_refused_until_they_are_there) {
  const own_server of;
  auto session = std::move(*open_postgres(of.server.url(), "orders", of.options));
  const auto put = [&](const std::string& schema, move_state state) {
    transaction writing{*session};
    move_book{*session}.put({schema, {}, state, 0, "/srv/data/users.db"});
    writing.commit();
  };
  put("users", move_state::arriving);

  BOOST_TEST(of.refusal().code == errc::invalid);
  BOOST_TEST(says(of.refusal(), "users from /srv/data/users.db"));
  BOOST_TEST(says(of.refusal(), "again, which goes on where it ended"));
  put("users", move_state::leaving);
  BOOST_TEST(says(of.refusal(), "--abandon"));
  put("users", move_state::returning);
  BOOST_TEST(says(of.refusal(), "troupe restore"));
  put("users", move_state::left); // Another schema's: this one is free.
  BOOST_TEST(open_postgres(of.server.url(), "orders", of.options).has_value());
  put("orders", move_state::left);
  BOOST_TEST(says(of.refusal(), "are used there: what is here is old"));
  postgres_options moving = of.options;
  moving.is_moving = true;
  BOOST_TEST(open_postgres(of.server.url(), "orders", moving).has_value());
  postgres_options reading;
  reading.read_only = true;
  BOOST_TEST(open_postgres(of.server.url(), "orders", reading).has_value());
  for (const char* const each : {"users", "orders"}) {
    transaction writing{*session};
    move_book{*session}.remove(each);
    writing.commit();
  }
  BOOST_TEST(!move_book{*session}.is_there());
  BOOST_TEST(open_postgres(of.server.url(), "orders", of.options).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_session_of_one_moment_sees_no_later_commits, postgres_fixture) {
  const auto session = open();
  session->script("CREATE TABLE items (id INTEGER PRIMARY KEY)");
  postgres_options moment;
  moment.one_moment = true;
  const auto whole = std::move(*open_postgres_whole(server.url(), moment));
  const std::string count = "SELECT COUNT(*) FROM \"" + schema + "\".items";
  whole->begin();
  BOOST_TEST(whole->integer_of(count).value() == 0);

  session->execute("INSERT INTO items VALUES (1)");
  BOOST_TEST(whole->integer_of(count).value() == 0);
  whole->rollback();
  BOOST_TEST(whole->integer_of(count).value() == 1);
}

BOOST_FIXTURE_TEST_CASE(two_that_open_at_once_make_one_schema, postgres_fixture) {
  std::vector<uuid> found(4);
  {
    std::vector<std::jthread> threads;
    for (uuid& each : found) {
      threads.emplace_back([&, this] { each = (*try_open())->instance(); });
    }
  }
  for (const uuid& each : found) {
    BOOST_TEST((each == found[0]));
  }
}

BOOST_AUTO_TEST_CASE(an_address_says_what_is_wrong_with_it) {
  const auto fault = [](const std::string& url) { return fault_of_postgres_url(url); };

  BOOST_TEST(fault("postgresql://h1,h2:5433/shop") == "");
  BOOST_TEST(fault("postgresql://troupe@h1/shop?sslmode=verify-full") == "");
  BOOST_TEST(fault("postgresql://h1/").find("names no database") == 0U);
  BOOST_TEST(fault("postgresql://u:secret@h1/shop").find("has a password in it") == 0U);
  BOOST_TEST(fault("postgresql://u:secret@h1/shop").find("secret") == std::string::npos);
  BOOST_TEST(fault("postgresql://h1/shop?password=secret").find("PGPASSFILE") != std::string::npos);
  BOOST_TEST(fault("postgresql://h1/shop?no_such=1").find("is no PostgreSQL address") == 0U);
  for (const char* const url :
       {"postgresql://u:pa?secret@h1/shop",
        "postgresql://u:pa?secret=1=2@h1/shop",
        "postgresql://u:[secret@h1/shop",
        "postgresql://u:%secret@h1/shop",
        "postgresql://h1/shop?sslmode=%secret"}) {
    BOOST_TEST(fault(url).find("secret") == std::string::npos, fault(url));
    BOOST_TEST(!fault(url).empty());
  }
}

BOOST_AUTO_TEST_CASE(a_server_that_is_not_there_may_come) {
  const auto opened =
      open_postgres("postgresql:///shop?host=/nowhere", "orders", {.capability = "orders"});

  BOOST_REQUIRE(!opened);
  BOOST_TEST(opened.error().code == errc::unavailable);
  BOOST_TEST(says(opened.error(), "cannot reach a server at postgresql:///shop?host=/nowhere"));
}

// The first host of the list is the one that died: each of the sessions that look for the new
// primary would wait two seconds for it.
BOOST_FIXTURE_TEST_CASE(a_host_that_says_nothing_holds_nobody_up, postgres_fixture) {
  const silent_host silent;
  const std::string url = shared_server().url();
  const std::string sockets =
      url.substr(url.find("host=") + 5, url.find('&') - url.find("host=") - 5);
  const std::string hosts = fmt::format(
      "postgresql:///postgres?user=postgres&host=127.0.0.1,{},127.0.0.1&port={},5432,{}",
      sockets,
      silent.port,
      silent.port);
  std::unique_ptr<database> session;

  const auto time = time_of([&] {
    auto opened = open_postgres(hosts, "silent", {.capability = "silent"});
    BOOST_REQUIRE(opened);
    session = std::move(*opened);
  });

  BOOST_TEST(time.count() < 1'500);
  BOOST_TEST(session->integer_of("SELECT 7").value() == 7);
}

BOOST_AUTO_TEST_CASE(all_hosts_that_were_tried_say_why) {
  const silent_host silent;
  const auto opened = open_postgres(
      fmt::format("postgresql:///shop?host=127.0.0.1,/nowhere&port={},5432", silent.port),
      "orders",
      {.capability = "orders"});

  BOOST_REQUIRE(!opened);
  BOOST_TEST(opened.error().code == errc::unavailable);
  BOOST_TEST(says(opened.error(), "timeout expired"));
  BOOST_TEST(says(opened.error(), "/nowhere/.s.PGSQL.5432"));
}

BOOST_AUTO_TEST_CASE(a_server_that_may_lose_data_is_refused) {
  own_server of{{{"fsync", "off"}}};
  BOOST_TEST(of.refusal().code == errc::invalid);
  BOOST_TEST(says(of.refusal(), "fsync = on"));

  of.server.stop();
  of.server.start({{"full_page_writes", "off"}});
  BOOST_TEST(says(of.refusal(), "full_page_writes = on"));
}

BOOST_AUTO_TEST_CASE(a_database_that_sorts_or_encodes_otherwise_is_refused) {
  const own_server of;
  of.run("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  of.run("CREATE DATABASE icu ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C' "
         "TEMPLATE template0");

  BOOST_TEST(says(of.refusal(of.server.url_of("postgres", "latin")), "has the encoding LATIN1"));
  BOOST_TEST(says(of.refusal(of.server.url_of("postgres", "icu")), "LC_COLLATE 'C'"));
  BOOST_TEST(says(of.refusal(of.server.url_of("postgres", "nowhere")), "CREATE DATABASE"));
}

BOOST_AUTO_TEST_CASE(a_password_that_is_missing_or_wrong_is_told) {
  const own_server of;
  of.run("CREATE ROLE pw LOGIN PASSWORD 'right'");
  of.run("GRANT CREATE ON DATABASE postgres TO pw");
  of.server.set_access("local all pw scram-sha-256\nlocal all all trust");
  of.server.reload();
  const temporary_folder folder;
  const std::string file = folder.file("pass");
  const auto keep = [&](const std::string& password) {
    store_fixture::write_file(file, "*:*:*:*:" + password + "\n");
    chmod(file.c_str(), 0600);
  };
  setenv("PGPASSFILE", file.c_str(), 1);

  const auto url = of.server.url_of("pw");
  const error missing = of.refusal(url);
  keep("wrong");
  const error wrong = of.refusal(url);
  keep("right");
  const auto opened = open_postgres(url, "orders", of.options);
  unsetenv("PGPASSFILE");

  BOOST_TEST(missing.code == errc::invalid);
  BOOST_TEST(wrong.code == errc::invalid);
  BOOST_TEST(says(wrong, "PGPASSFILE"));
  BOOST_TEST(says(wrong, "password authentication failed"));
  BOOST_TEST(opened.has_value());
}

// A standby may lag behind an ALTER ROLE, a node may be of another cluster or be rebuilt, and the
// host that counts is not ready yet.
BOOST_AUTO_TEST_CASE(one_host_of_several_says_nothing_for_good) {
  const own_server of;
  const std::string url = of.server.url();
  const std::string here = url.substr(url.find("host=") + 5, url.find('&') - url.find("host=") - 5);
  const auto of_hosts = [](const std::string& hosts,
                           const std::string& user,
                           const std::string& database) {
    return fmt::format("postgresql:///{}?host={}&port=5432,5432&user={}", database, hosts, user);
  };
  of.run("CREATE ROLE pw LOGIN PASSWORD 'right'");
  of.server.set_access("local all pw scram-sha-256\nlocal all all trust");
  of.server.reload();

  const std::vector<std::pair<std::string, std::string>> refused{
      {"pw", "postgres"}, {"postgres", "nowhere"}, {"nobody", "postgres"}};
  for (const std::string& hosts : {here + ",/nowhere", "/nowhere," + here}) {
    BOOST_TEST_CONTEXT(hosts) {
      for (const auto& [user, database] : refused) {
        const error why = of.refusal(of_hosts(hosts, user, database));
        BOOST_TEST(why.code == errc::unavailable, why.message);
        BOOST_TEST(says(why, "cannot reach a server"));
      }
    }
  }
  // All of them say so.
  const std::string twice = here + "," + here;
  BOOST_TEST(of.refusal(of_hosts(twice, "pw", "postgres")).code == errc::invalid);
  BOOST_TEST(says(of.refusal(of_hosts(twice, "postgres", "nowhere")), "CREATE DATABASE"));
  BOOST_TEST(says(of.refusal(of_hosts(twice, "nobody", "postgres")), "CREATE ROLE"));
}

// During a failover the password is taken by a server that turns out not to be the primary yet.
BOOST_AUTO_TEST_CASE(a_standby_that_has_taken_the_password_may_be_promoted_later) {
  own_server of;
  of.run("CREATE ROLE pw LOGIN PASSWORD 'right'");
  of.server.set_access("local all pw scram-sha-256\nlocal all all trust");
  of.server.stop();
  of.server.start({{"default_transaction_read_only", "on"}});
  const temporary_folder folder;
  const std::string file = folder.file("pass");
  store_fixture::write_file(file, "*:*:*:*:right\n");
  chmod(file.c_str(), 0600);
  setenv("PGPASSFILE", file.c_str(), 1);

  const error why = of.refusal(of.server.url_of("pw"));
  unsetenv("PGPASSFILE");

  BOOST_TEST(why.code == errc::unavailable, why.message);
  BOOST_TEST(says(why, "read-only"));
}

BOOST_AUTO_TEST_CASE(a_role_without_rights_is_told_what_to_grant) {
  const own_server of;
  of.run("CREATE ROLE poor LOGIN");

  const error why = of.refusal(of.server.url_of("poor"));
  BOOST_TEST(why.code == errc::invalid);
  BOOST_TEST(says(why, "GRANT"));
}

BOOST_AUTO_TEST_CASE(a_server_without_a_free_connection_may_have_one_later) {
  own_server of{{{"max_connections", "4"}, {"superuser_reserved_connections", "1"}}};
  of.run("CREATE ROLE plain LOGIN SUPERUSER");
  std::vector<std::unique_ptr<database>> open;
  for (int i = 0; i < 4; ++i) {
    auto opened = open_postgres(of.server.url(), "orders", of.options);
    BOOST_REQUIRE(opened);
    open.push_back(std::move(*opened));
  }

  const error why = of.refusal();
  BOOST_TEST(why.code == errc::unavailable);
  BOOST_TEST(says(why, "max_connections"));
  open.pop_back();
  // The server frees the place once it has seen that the connection is closed.
  for (bool is_free = false; !is_free;) {
    is_free = open_postgres(of.server.url(), "orders", of.options).has_value();
  }
}

BOOST_AUTO_TEST_CASE(a_standby_or_a_read_only_server_is_passed_over) {
  own_server of{{{"default_transaction_read_only", "on"}}};

  const error why = of.refusal();
  BOOST_TEST(why.code == errc::unavailable);
  BOOST_TEST(says(why, "read-only"));
}

BOOST_AUTO_TEST_CASE(what_the_server_confirmed_outlives_its_death) {
  own_server of;
  auto session = std::move(*open_postgres(of.server.url(), "orders", of.options));
  session->script("CREATE TABLE items (id INTEGER PRIMARY KEY)");
  session->begin();
  session->execute("INSERT INTO items VALUES (1)");
  session->commit();
  session->begin();
  session->execute("INSERT INTO items VALUES (2)");
  session->await();

  of.server.kill();
  BOOST_TEST(fault_of_call([&] { session->integer_of("SELECT 1"); }) == database_fault::away);
  session->rollback();
  BOOST_TEST(fault_of_call([&] { session->reconnect(); }) == database_fault::away);
  of.server.start();

  session->reconnect();
  BOOST_TEST(session->integer_of("SELECT SUM(id) FROM items").value() == 1);
}

BOOST_AUTO_TEST_CASE(a_session_that_cannot_be_set_up_again_is_not_used) {
  own_server of;
  auto session = std::move(*open_postgres(of.server.url(), "orders", of.options));
  of.server.kill();
  BOOST_CHECK_THROW(session->integer_of("SELECT 1"), database_error);
  of.server.start();
  of.run("ALTER SCHEMA orders RENAME TO elsewhere");

  BOOST_CHECK_THROW(session->reconnect(), database_error);
  BOOST_TEST(session->is_lost());
  of.run("ALTER SCHEMA elsewhere RENAME TO orders");
  session->reconnect();
  BOOST_TEST(session->integer_of("SELECT 1").value() == 1);
}

BOOST_AUTO_TEST_CASE(another_database_than_before_is_refused) {
  own_server of;
  auto session = std::move(*open_postgres(of.server.url(), "orders", of.options));
  session->execute("UPDATE troupe_meta SET instance = $1", derived_id({}, "another"));
  of.server.kill();
  BOOST_CHECK_THROW(session->integer_of("SELECT 1"), database_error);
  of.server.start();

  BOOST_TEST(fault_of_call([&] { session->reconnect(); }) == database_fault::corrupt);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
