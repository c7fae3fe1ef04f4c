// shop-place-orders: a client of the example shop that places many orders and logs them.

#include "examples/shop/broker_links.hpp"
#include "examples/shop/order_load.hpp"
#include "examples/shop/stop_wish.hpp"
#include "nodes/command_line.hpp"
#include "runtime/client/client.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <fstream>
#include <iterator>

namespace troupe {

namespace {

using wire::json_object;

constexpr int exit_ok = 0;
constexpr int exit_unanswered = 1;
constexpr int exit_failed = 2;

struct arguments {
  shop::broker_links links;
  std::string orders_file;
  std::string stock_file;
  std::string log_file;
  shop::load_options load;
  std::uint64_t deadline_ms = 5'000;
  std::uint64_t patience_ms = 30'000;
};

double millis(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1'000;
}

std::int64_t micros_of(instant time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

/// Prints the error.
/// @return the exit code.
int complain(const error& why) {
  fmt::print(stderr, "shop-place-orders: {}: {}\n", name_of(why.code), why.message);
  return exit_failed;
}

/// Prints a line and flushes it, since a script reads along.
void tell(const json_object& what) {
  fmt::print("{}\n", what.text());
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

/// Puts the stock listed in the file on the shelves, unless it is there already.
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
        tell(json_object{}
                 .add("event", "stock")
                 .add_json("loaded", wire::to_json(reply).value_or("{}")));
      });
}

json_object counts_of(const std::map<std::string, std::uint64_t>& counts) {
  json_object all;
  for (const auto& [name, count] : counts) {
    all.add(name, count);
  }
  return all;
}

json_object summary_of(std::string_view event, const shop::load_result& result) {
  json_object summary;
  summary.add("event", event)
      .add("answered", result.answered())
      .add("confirmed", result.placed)
      .add("rejected", counts_of(result.rejected))
      .add("unanswered", result.unanswered)
      .add("calls", result.calls)
      .add("failed_calls", counts_of(result.failed_calls))
      .add("t_mono_us", micros_of(std::chrono::steady_clock::now()));
  return summary;
}

/// The complete result. Sorts the latencies.
json_object report_of(shop::load_result& result) {
  json_object report = summary_of("done", result);
  const double seconds = std::chrono::duration<double>(result.ended - result.began).count();
  report.add("began_us", micros_of(result.began))
      .add("seconds", seconds)
      .add("per_second", static_cast<double>(result.answered()) / seconds)
      .add("longest_gap_ms", millis(result.longest_gap))
      .add("longest_gap_from_us", micros_of(result.longest_gap_from));
  auto& sorted = result.latencies;
  if (!sorted.empty()) {
    std::ranges::sort(sorted);
    const auto at = [&](std::size_t percent) {
      return millis(sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)]);
    };
    report.add("p50_ms", at(50)).add("p99_ms", at(99)).add("max_ms", millis(sorted.back()));
  }
  return report;
}

int place(client::client& client, const arguments& given, shop::stop_wish& stop) {
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
  auto result = load.run([&stop](const shop::load_result& so_far) {
    tell(summary_of("progress", so_far));
    return !stop.has_come();
  });
  if (!result) {
    return complain(result.error());
  }
  tell(report_of(*result));
  return result->unanswered == 0 ? exit_ok : exit_unanswered;
}

int run(arguments& given) {
  if (given.stock_file.empty() && given.orders_file.empty()) {
    fmt::print(
        stderr,
        "shop-place-orders: nothing to do; give --orders FILE, --stock FILE or both, such as "
        "orders.jsonl and stock.json of examples/shop\n");
    return exit_failed;
  }
  given.load.deadline = milliseconds{given.deadline_ms};
  given.load.patience = milliseconds{given.patience_ms};
  shop::stop_wish stop;
  const auto client =
      shop::options_of(given.links, "shop-place-orders").and_then(client::client::open);
  if (!client) {
    return complain(client.error());
  }
  if (!given.stock_file.empty()) {
    if (const auto loaded = load_stock(**client, given.stock_file); !loaded) {
      return complain(loaded.error());
    }
  }
  return given.orders_file.empty() ? exit_ok : place(**client, given, stop);
}

int parse_and_run(int count, char** words) {
  constexpr std::uint64_t hour_ms = 3'600'000;
  arguments given;
  command_line line{
      count,
      words,
      "shop-place-orders",
      "Places orders in the example shop, and asks again for each until it is answered."};
  line.option(
          "--broker",
          given.links.brokers,
          "tcp://HOST:PORT; may be repeated [tcp://127.0.0.1:5550]")
      .option("--keys", given.links.keys, "folder of keys; then --broker is NAME=tcp://HOST:PORT")
      .option("--as", given.links.as, "with --keys: the owner of the key that is used")
      .option("--stock", given.stock_file, "JSON for inventory.load, which is called first")
      .option("--orders", given.orders_file, "orders, one JSON object a line")
      .option(
          "--count", given.load.orders, "how many; the file is repeated [1000]", 1, 1'000'000'000)
      .option("--outstanding", given.load.outstanding, "asked for at once, at most [64]", 1, 10'000)
      .option("--rate", given.load.rate, "new orders a second; 0: as fast as answers come [0]", 0)
      .option("--deadline-ms", given.deadline_ms, "of one call [5000]", 1, hour_ms)
      .option(
          "--patience-ms", given.patience_ms, "of one order, asked for again [30000]", 1, hour_ms)
      .option("--log", given.log_file, "calls and answers, one JSON object a line")
      .footer("Prints a JSON object a line: `stock`, `progress` now and then, `done`.\n"
              "SIGTERM: no new orders; ends when those that were placed are answered.\n"
              "Exit codes: 0 every order was answered, 1 some were not, 2 it could not be done.")
      .runs([&] { return run(given); });
  return line.run(
      [](const std::string&, const std::string& fault) { return complain(invalid(fault)); });
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
