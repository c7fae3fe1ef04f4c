// cluster-publish-news: a client that publishes events continuously, and logs what was confirmed.

#include "examples/cluster/news_load.hpp"
#include "examples/shop/broker_links.hpp"
#include "examples/shop/stop_wish.hpp"
#include "nodes/command_line.hpp"
#include "runtime/wire/json.hpp"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <system_error>

namespace troupe {

namespace {

using wire::json_object;

constexpr int exit_ok = 0;
constexpr int exit_unconfirmed = 1;
constexpr int exit_failed = 2;

struct arguments {
  shop::broker_links links;
  std::string log_file;
  cluster::news_options load;
  std::uint64_t patience_ms = 60'000;
};

/// Prints the error.
/// @return the exit code.
int complain(const std::string& why) {
  fmt::print(stderr, "cluster-publish-news: {}\n", why);
  return exit_failed;
}

/// Prints a line and flushes it, since a script reads along.
void tell(std::string_view event, const cluster::news_result& result) {
  json_object failed;
  for (const auto& [code, count] : result.failed_calls) {
    failed.add(code, count);
  }
  fmt::print(
      "{}\n",
      json_object{}
          .add("event", event)
          .add("confirmed", result.confirmed)
          .add("unconfirmed", result.unconfirmed())
          .add("repeats", result.repeats)
          .add("failed_calls", failed)
          .add("longest_gap_ms", static_cast<double>(result.longest_gap.count()) / 1'000)
          .text());
  std::fflush(stdout);
}

struct closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

int run(arguments& given) {
  given.load.patience = milliseconds{given.patience_ms};
  const std::unique_ptr<std::FILE, closer> log{std::fopen(given.log_file.c_str(), "we")};
  if (log == nullptr) {
    return complain(given.log_file + ": " + std::generic_category().message(errno));
  }
  shop::stop_wish stop;
  const auto client =
      shop::options_of(given.links, "cluster-publish-news").and_then(client::client::open);
  if (!client) {
    return complain(client.error().message);
  }
  const system_clock time;
  cluster::news_load load{**client, time, given.load, *log};
  const auto result = load.run([&stop](const cluster::news_result& so_far) {
    tell("progress", so_far);
    return !stop.has_come();
  });
  tell("done", result);
  if (std::ferror(log.get()) != 0) {
    return complain(given.log_file + " cannot be written");
  }
  return result.unconfirmed() == 0 ? exit_ok : exit_unconfirmed;
}

int parse_and_run(int count, char** words) {
  arguments given;
  command_line line{
      count,
      words,
      "cluster-publish-news",
      "Publishes events until SIGTERM, each again under its id until it is confirmed."};
  line.option(
          "--broker",
          given.links.brokers,
          "tcp://HOST:PORT; may be repeated [tcp://127.0.0.1:5550]")
      .option("--keys", given.links.keys, "folder of keys; then --broker is NAME=tcp://HOST:PORT")
      .option("--as", given.links.as, "with --keys: the owner of the key that is used")
      .required_option("--log", given.log_file, "what was confirmed, one JSON object a line")
      .option("--topic", given.load.topic, "of the events [news.said]")
      .option("--outstanding", given.load.outstanding, "not confirmed, at most [32]", 1, 10'000)
      .option("--rate", given.load.rate, "new events a second [50]", 0.01)
      .option(
          "--patience-ms",
          given.patience_ms,
          "for what is under way at the end [60000]",
          1,
          3'600'000)
      .footer("Prints a JSON object a line: `progress` now and then, `done`.\n"
              "Exit codes: 0 all was confirmed, 1 something was not, 2 it could not be done.")
      .runs([&] { return run(given); });
  return line.run([](const std::string&, const std::string& fault) { return complain(fault); });
}

} // namespace

} // namespace troupe

int main(int count, char** words) {
  try {
    return troupe::parse_and_run(count, words);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "cluster-publish-news: %s\n", fault.what());
    return troupe::exit_failed;
  }
}
