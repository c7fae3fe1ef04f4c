#include "runtime/observe/span_exporter.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <condition_variable>
#include <dlfcn.h>
#include <mutex>
#include <netdb.h>
#include <string_view>

namespace utf = boost::unit_test;

namespace troupe::observe {

namespace {

using namespace std::chrono_literals;

/// A server of names that does not answer: it holds whoever asks for this one.
struct silent_names {
  static constexpr std::string_view name = "collector.silent.invalid";

  std::mutex mutex;
  std::condition_variable changed;
  int asking = 0;
  bool is_over = false;

  int hold() {
    std::unique_lock lock{mutex};
    ++asking;
    changed.notify_all();
    // An end, for a test that fails.
    changed.wait_for(lock, 30s, [this] { return is_over; });
    --asking;
    changed.notify_all();
    return EAI_AGAIN;
  }
};

silent_names silent;

} // namespace

} // namespace troupe::observe

/// Stands before that of the C library, for libcurl, too.
extern "C" int
getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  if (node != nullptr && node == troupe::observe::silent_names::name) {
    return troupe::observe::silent.hold();
  }
  using function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto next = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return next(node, service, hints, found);
}

namespace troupe::observe {

BOOST_AUTO_TEST_SUITE(runtime_observe_span_exporter, *utf::label("unit") * utf::timeout(60))

// libcurl looks names up on a thread of its own, and would wait for it.
BOOST_AUTO_TEST_CASE(a_stop_waits_for_no_server_of_names) {
  const system_clock time;
  event_log log{time, "n1", log_format::json};
  span_rings rings;
  span one;
  one.set_name("work");
  rings.add().add(one);
  std::unique_lock lock{silent.mutex, std::defer_lock};
  instant stopped_at{};
  {
    span_exporter exporter{
        rings,
        {.address = "http://collector.silent.invalid:4318/v1/traces",
         .interval = 1ms,
         .stop_patience = 100ms},
        time,
        log};
    lock.lock();
    BOOST_REQUIRE(silent.changed.wait_for(lock, 20s, [] { return silent.asking > 0; }));
    lock.unlock();
    stopped_at = time.now();
  }
  const auto took = time.now() - stopped_at;
  lock.lock();
  silent.is_over = true;
  silent.changed.notify_all();
  BOOST_TEST(silent.changed.wait_for(lock, 20s, [] { return silent.asking == 0; }));

  BOOST_TEST((took < 5s));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::observe
