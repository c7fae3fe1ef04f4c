// troupe-bench: one load on one system, and one line of JSON about it. bench.py runs the series.

#include "tests/bench/event_load.hpp"
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
  std::string call = "echo.echo";
  std::string topic;
  std::string until = "confirmed";
  std::string handled_by = "notes";
  std::uint64_t count = 0;
  std::uint32_t rate = 1000;
  bench::target target;
  bench::load_options load;
  bool has_curve = false;
  double seconds = 1.5;
  double warm_up = 0.3;
};

outcome<bench::figure> measure(const arguments& given) {
  if (given.system == "zmq-router") {
    return bench::measure_reference(bench::reference::router, given.load, given.has_curve);
  }
  if (given.system == "zmq-proxy") {
    return bench::measure_reference(bench::reference::proxy, given.load, given.has_curve);
  }
  return given.system == "troupe-plain" ? bench::measure_plain(given.target, given.load)
                                        : bench::measure_client(given.target, given.load);
}

outcome<std::string> line_of(const arguments& given) {
  if (given.until == "handled") {
    return bench::measure_handled(given.target, given.load, given.handled_by, given.count);
  }
  if (given.until == "told") {
    return bench::measure_latency(given.target, given.load, given.rate);
  }
  if (given.count != 0) {
    return bench::fill(given.target, given.load, given.count);
  }
  return measure(given).transform([&](bench::figure figure) {
    return figure.to_json(given.system, given.topic.empty() ? given.call : "publish");
  });
}

int run(arguments& given) {
  const std::size_t dot = given.call.find('.');
  given.target.capability = given.topic.empty() ? given.call.substr(0, dot) : "troupe.publish";
  given.target.operation = given.topic.empty() ? given.call.substr(dot + 1) : given.topic;
  given.load.measured = std::chrono::duration<double>{given.seconds};
  given.load.warm_up = std::chrono::duration<double>{given.warm_up};
  const auto line = line_of(given);
  if (!line) {
    fmt::print(stderr, "troupe-bench: {}: {}\n", name_of(line.error().code), line.error().message);
    return 1;
  }
  fmt::print("{}\n", *line);
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
  app.add_option("--keys-of-links", given.target.link_keys, "folder of the keys of links");
  app.add_flag("--curve", given.has_curve, "of zmq-router and zmq-proxy: with CURVE");
  app.add_option("--call", given.call, "what to call [echo.echo]")
      ->check(CLI::IsMember({"echo.echo", "notes.add", "order_saga.place"}));
  app.add_option("--publish", given.topic, "publish under this topic, and call nothing");
  app.add_option("--until", given.until, "what became of what is published [confirmed]")
      ->check(CLI::IsMember({"confirmed", "handled", "told"}));
  app.add_option("--by", given.handled_by, "who has to handle it [notes]");
  app.add_option("--keys", given.target.keys, "different ordering keys [0: none]");
  app.add_option("--count", given.count, "publish so many and measure no times [0: measure]");
  app.add_option("--rate", given.rate, "publishes a second, until told [1000]")
      ->check(CLI::Range(1, 100'000));
  app.add_option("--window", given.load.window, "requests outstanding [64]")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--seconds", given.seconds, "measured [1.5]")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--warm-up", given.warm_up, "seconds before [0.3]")->check(CLI::Range(0.0, 60.0));
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& fault) {
    return app.exit(fault) == 0 ? 0 : 2;
  }
  try {
    return run(given);
  } catch (const std::exception& fault) {
    fmt::print(stderr, "troupe-bench: {}\n", fault.what());
    return 1;
  }
}
