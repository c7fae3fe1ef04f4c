// troupe-bench: one load on one system, and one line of JSON about it. bench.py runs the series.

#include "tests/bench/troupe_load.hpp"
#include "tests/bench/zmq_reference.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fmt/format.h>

namespace {

using namespace troupe;

struct arguments {
  std::string system;
  bench::target target;
  bench::load_options load;
  double seconds = 1.5;
  double warm_up = 0.3;
};

outcome<bench::figure> measure(const arguments& given) {
  if (given.system == "zmq-router") {
    return bench::measure_reference(bench::reference::router, given.load);
  }
  if (given.system == "zmq-proxy") {
    return bench::measure_reference(bench::reference::proxy, given.load);
  }
  return given.system == "troupe-plain" ? bench::measure_plain(given.target, given.load)
                                        : bench::measure_client(given.target, given.load);
}

int run(const arguments& given) {
  auto result = measure(given);
  if (!result) {
    fmt::print(
        stderr, "troupe-bench: {}: {}\n", name_of(result.error().code), result.error().message);
    return 1;
  }
  fmt::print("{}\n", result->to_json(given.system, given.target.operation));
  return 0;
}

} // namespace

int main(int count, char** words) {
  arguments given;
  CLI::App app{"Puts one load on one system and prints what it came to, as JSON."};
  app.add_option("system", given.system, "whom to measure")
      ->required()
      ->check(CLI::IsMember({"troupe", "troupe-plain", "zmq-router", "zmq-proxy"}));
  app.add_option("--broker", given.target.broker, "tcp://HOST:PORT, of troupe and troupe-plain");
  app.add_option("--call", given.target.operation, "what to call [echo.echo]")
      ->check(CLI::IsMember({"echo.echo", "notes.add", "order_saga.place"}));
  app.add_option("--window", given.load.window, "requests outstanding [64]")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--seconds", given.seconds, "measured [1.5]")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--warm-up", given.warm_up, "seconds before [0.3]")->check(CLI::Range(0.0, 60.0));
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& fault) {
    return app.exit(fault) == 0 ? 0 : 2;
  }
  given.load.measured = std::chrono::duration<double>{given.seconds};
  given.load.warm_up = std::chrono::duration<double>{given.warm_up};
  try {
    return run(given);
  } catch (const std::exception& fault) {
    fmt::print(stderr, "troupe-bench: {}\n", fault.what());
    return 1;
  }
}
