// shop-place-orders: a client of the example shop that places many orders and keeps a log of it.

#include "examples/shop/order_load.hpp"
#include "runtime/client/client.hpp"
#include "runtime/wire/json.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace troupe {

namespace {

using nlohmann::json;

constexpr int exit_ok = 0;
constexpr int exit_unanswered = 1;
constexpr int exit_failed = 2;

struct arguments {
  std::vector<std::string> brokers{"tcp://127.0.0.1:5550"};
  std::string orders_file;
  std::string stock_file;
  std::string log_file;
  shop::load_options load;
  int deadline_ms = 5'000;
  int patience_ms = 30'000;
};

double millis(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1'000;
}

std::int64_t micros_of(instant time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

/// Prints what was wrong. @return the code to end with.
int complain(const error& why) {
  fmt::print(stderr, "shop-place-orders: {}: {}\n", name_of(why.code), why.message);
  return exit_failed;
}

/// One line, at once: whoever reads along acts on it.
void tell(const json& what) {
  fmt::print("{}\n", what.dump());
  std::fflush(stdout);
}

outcome<std::vector<shop::wish>> read_wishes(const std::string& path) {
  std::ifstream file{path};
  std::vector<shop::wish> wishes;
  std::uint64_t line = 0;
  for (std::string text; std::getline(file, text);) {
    ++line;
    if (text.empty()) {
      continue;
    }
    auto body = wire::from_json(text);
    if (!body) {
      return failure{invalid(fmt::format("{}:{}: {}", path, line, body.error().message))};
    }
    wishes.push_back({line, std::move(*body)});
  }
  if (wishes.empty()) {
    return failure{invalid(path + ": there are no orders in it")};
  }
  return wishes;
}

/// Puts on the shelves what the file lists, unless it is there already.
outcome<void> load_stock(client::client& client, const std::string& path) {
  std::ifstream file{path};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  return wire::from_json(text)
      .and_then([&](const std::string& body) {
        return client.call(
            {.capability = "inventory",
             .operation = "load",
             .body = body,
             .deadline = milliseconds{30'000}});
      })
      .map([](const std::string& reply) {
        tell({{"event", "stock"}, {"loaded", json::parse(wire::to_json(reply).value_or("{}"))}});
      });
}

json summary_of(const shop::load_result& result) {
  return {
      {"answered", result.answered()},
      {"confirmed", result.placed},
      {"rejected", result.rejected},
      {"unanswered", result.unanswered},
      {"calls", result.calls},
      {"failed_calls", result.failed_calls},
      {"t_mono_us", micros_of(std::chrono::steady_clock::now())}};
}

/// The result in full. Sorts the latencies.
json report_of(shop::load_result& result) {
  json report = summary_of(result);
  const double seconds = std::chrono::duration<double>(result.ended - result.began).count();
  report["event"] = "done";
  report["began_us"] = micros_of(result.began);
  report["seconds"] = seconds;
  report["per_second"] = static_cast<double>(result.answered()) / seconds;
  report["longest_gap_ms"] = millis(result.longest_gap);
  report["longest_gap_from_us"] = micros_of(result.longest_gap_from);
  auto& sorted = result.latencies;
  if (!sorted.empty()) {
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](std::size_t percent) {
      return millis(sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)]);
    };
    report["p50_ms"] = at(50);
    report["p99_ms"] = at(99);
    report["max_ms"] = millis(sorted.back());
  }
  return report;
}

int place(client::client& client, const arguments& given) {
  const auto wishes = read_wishes(given.orders_file);
  if (!wishes) {
    return complain(wishes.error());
  }
  auto log = shop::order_log::open(given.log_file);
  if (!log) {
    return complain(log.error());
  }
  const system_clock time;
  shop::order_load load{client, time, *wishes, given.load, *log};
  auto result = load.run([](const shop::load_result& so_far) {
    json progress = summary_of(so_far);
    progress["event"] = "progress";
    tell(progress);
  });
  if (!result) {
    return complain(result.error());
  }
  tell(report_of(*result));
  return result->unanswered == 0 ? exit_ok : exit_unanswered;
}

int run(const arguments& given) {
  client::options options;
  options.brokers = given.brokers;
  options.name = "shop-place-orders";
  const auto client = client::client::open(options);
  if (!client) {
    return complain(client.error());
  }
  if (!given.stock_file.empty()) {
    if (const auto loaded = load_stock(**client, given.stock_file); !loaded) {
      return complain(loaded.error());
    }
  }
  return given.orders_file.empty() ? exit_ok : place(**client, given);
}

int parse_and_run(int count, char** words) {
  arguments given;
  CLI::App app{"Places orders in the example shop, and asks again for each until it is answered."};
  app.add_option(
         "--broker", given.brokers, "tcp://HOST:PORT; may be repeated [tcp://127.0.0.1:5550]")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--stock", given.stock_file, "JSON for inventory.load, which is called first");
  app.add_option("--orders", given.orders_file, "orders, one JSON object a line");
  app.add_option("--count", given.load.orders, "how many; the file is repeated [1000]")
      ->check(CLI::PositiveNumber);
  app.add_option("--outstanding", given.load.outstanding, "asked for at once, at most [64]")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--rate", given.load.rate, "new orders a second; 0: as fast as answers come [0]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--deadline-ms", given.deadline_ms, "of one call [5000]")
      ->check(CLI::Range(1, 3'600'000));
  app.add_option("--patience-ms", given.patience_ms, "of one order, asked for again [30000]")
      ->check(CLI::Range(1, 3'600'000));
  app.add_option("--log", given.log_file, "what was asked and answered, one JSON object a line");
  app.footer("Prints a JSON object a line: `stock`, `progress` now and then, `done`.\n"
             "Exit codes: 0 every order was answered, 1 some were not, 2 it could not be done.");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& fault) {
    return app.exit(fault) == 0 ? exit_ok : exit_failed;
  }
  if (given.stock_file.empty() && given.orders_file.empty()) {
    fmt::print(
        stderr,
        "shop-place-orders: nothing to do; give --orders FILE, --stock FILE or both, such as "
        "orders.jsonl and stock.json of examples/shop\n");
    return exit_failed;
  }
  given.load.deadline = milliseconds{given.deadline_ms};
  given.load.patience = milliseconds{given.patience_ms};
  return run(given);
}

} // namespace

} // namespace troupe

int main(int count, char** words) {
  try {
    return troupe::parse_and_run(count, words);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "shop-place-orders: %s\n", fault.what());
    return troupe::exit_failed;
  }
}
