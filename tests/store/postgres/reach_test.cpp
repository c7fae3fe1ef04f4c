#include "runtime/store/postgres/reach.hpp"

#include "runtime/store/postgres/address_book.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <set>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

using namespace std::chrono_literals;

/// Servers of names that a test can silence. Lookups may outlive the test.
struct names {
  std::map<std::string, std::vector<std::string>> known;
  bool are_away = false;
  std::shared_future<void> answering; // Before it, nobody answers; not valid: at once.

  host_addresses ask(const std::string& host) const {
    if (answering.valid()) {
      answering.wait();
    }
    const auto found = known.find(host);
    return are_away || found == known.end() ? host_addresses{{}, host + " is not known"}
                                            : host_addresses{found->second, {}};
  }
};

struct book_fixture {
  std::shared_ptr<names> of = std::make_shared<names>();
  address_book book{[of = of](const std::string& host) { return of->ask(host); }};
  std::promise<void> answer;

  ~book_fixture() {
    if (of->answering.valid()) {
      answer.set_value();
    }
  }

  void silence() { of->answering = answer.get_future().share(); }

  std::vector<std::string> addresses(const std::string& host, milliseconds patience = 10s) {
    return book.find({host}, patience).front().found;
  }
};

/// An address that takes connections and hangs up at once.
class rude_server {
public:
  rude_server() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    BOOST_REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&at), size) == 0);
    BOOST_REQUIRE(::listen(socket_, 16) == 0);
    BOOST_REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port = std::to_string(ntohs(at.sin_port));
    thread_ = std::thread{[this] {
      for (int link = ::accept(socket_, nullptr, nullptr); link >= 0;
           link = ::accept(socket_, nullptr, nullptr)) {
        ::close(link);
      }
    }};
  }

  rude_server(const rude_server&) = delete;
  rude_server& operator=(const rude_server&) = delete;

  ~rude_server() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }

  std::string port;

private:
  int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::thread thread_;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_postgres_reach, *utf::label("unit") * utf::timeout(60))

BOOST_FIXTURE_TEST_CASE(addresses_that_were_told_are_good_while_nobody_tells_them, book_fixture) {
  of->known["db1"] = {"10.0.0.1", "10.0.0.2"};
  BOOST_TEST(addresses("db1").size() == 2U);
  BOOST_TEST(book.find({"db2"}, 10s).front().why_not == "db2 is not known");

  of->are_away = true;

  BOOST_TEST(addresses("db1").size() == 2U);
  of->are_away = false;
  of->known["db1"] = {"10.0.0.3"};
  BOOST_TEST(addresses("db1").size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_lookup_that_takes_long_is_not_waited_for, book_fixture) {
  of->known["db1"] = {"10.0.0.1"};
  BOOST_TEST(addresses("db1").size() == 1U);
  silence();

  BOOST_TEST(addresses("db1", 1ms).front() == "10.0.0.1");
  // That lookup is over its time already: nobody waits for the time of another one.
  const auto began = std::chrono::steady_clock::now();
  BOOST_TEST(addresses("db1", 1ms).front() == "10.0.0.1");
  BOOST_TEST((std::chrono::steady_clock::now() - began < 10s));
  // One that was never told is left out, as there is another one.
  const auto both = book.find({"db1", "db2"}, 1ms);
  BOOST_TEST(both[0].found.size() == 1U);
  BOOST_TEST(both[1].found.empty());
  BOOST_TEST(has(both[1].why_not, "no server of names has answered yet"));
}

BOOST_FIXTURE_TEST_CASE(the_first_lookup_of_all_is_waited_for, book_fixture) {
  of->known["db1"] = {"10.0.0.1"};
  silence();

  auto asked = std::async(std::launch::async, [this] { return addresses("db1", 1ms); });
  BOOST_TEST((asked.wait_for(20ms) == std::future_status::timeout));
  answer.set_value();
  of->answering = {};

  BOOST_TEST(asked.get().size() == 1U);
}

// The server refuses, and was reached: its address is the one that was told last.
BOOST_FIXTURE_TEST_CASE(a_server_is_reached_while_servers_of_names_are_away, book_fixture) {
  const rude_server server;
  const std::map<std::string, std::string, std::less<>> to{
      {"host", "db1.example"}, {"port", server.port}, {"dbname", "shop"}, {"connect_timeout", "2"}};
  of->known["db1.example"] = {"127.0.0.1"};
  const auto before = reach_server(to, book);
  BOOST_REQUIRE(before.failures.size() == 1U);
  BOOST_TEST(has(before.failures[0].said, "closed the connection"), before.failures[0].said);

  of->are_away = true;
  const auto failed = reach_server(to, book);
  BOOST_REQUIRE(failed.failures.size() == 1U);
  BOOST_TEST(has(failed.failures[0].said, "closed the connection"), failed.failures[0].said);

  of->known.clear();
  address_book empty{[of = of](const std::string& host) { return of->ask(host); }};
  const auto unknown = reach_server(to, empty);
  BOOST_REQUIRE(unknown.failures.size() == 1U);
  BOOST_TEST(unknown.failures[0].said == "db1.example is not known");
}

BOOST_FIXTURE_TEST_CASE(the_addresses_of_one_machine_are_told_from_those_of_several, book_fixture) {
  const rude_server server;
  const auto machines = [&](std::vector<std::string> addresses) {
    of->known["db1"] = std::move(addresses);
    const auto tried = reach_server(
        {{"host", "db1,127.0.0.1"},
         {"port", server.port + "," + server.port},
         {"dbname", "shop"},
         {"connect_timeout", "2"}},
        book);
    std::set<std::size_t> found;
    for (const failed_attempt& each : tried.failures) {
      found.insert(each.machine);
    }
    return found.size();
  };

  BOOST_TEST(machines({"127.0.0.1", "::1"}) == 2U);
  BOOST_TEST(machines({"127.0.0.1", "127.0.0.2"}) == 3U);
}

BOOST_AUTO_TEST_CASE(words_about_several_servers_are_told_apart) {
  const auto found = attempts_in(
      "connection to server at \"h1\" (10.0.0.1), port 5432 failed: FATAL:  no TLS\n"
      "password retrieved from file \"/x\"\n"
      "connection to server at \"h1\" (10.0.0.1), port 5432 failed: FATAL:  wrong\n"
      "connection to server at \"h2\" (10.0.0.2), port 5432 failed: Connection refused\n"
      "\tIs the server running on that host?");

  BOOST_REQUIRE(found.size() == 3U);
  BOOST_TEST(found[0].machine == 0U);
  BOOST_TEST(has(found[0].said, "password retrieved"));
  BOOST_TEST(found[1].machine == 0U);
  BOOST_TEST(found[2].machine == 1U);
  BOOST_TEST(has(found[2].said, "Is the server running"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
