#include "nodes/connection.hpp"

#include "runtime/config.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>
#include <iterator>
#include <utility>

namespace troupe {

namespace {

using std::chrono::duration_cast;

bool asks_for_patience(errc code) {
  return code == errc::overloaded || code == errc::circuit_open || code == errc::unavailable;
}

/// Whether a command was given a number of words that it takes; prints what it takes if not.
bool is_called_well(
    std::string_view command,
    const connect_arguments& given,
    std::string_view takes,
    std::size_t least,
    std::size_t most) {
  const std::size_t file = given.brokers.empty() ? 1 : 0;
  const std::size_t count = given.words.size();
  if (count >= least + file && count <= most + file) {
    return true;
  }
  const bool takes_nothing = takes.empty();
  fmt::print(
      stderr,
      "troupe {0}: expected {1}{2}{3}{4}; `troupe {0} --help` says more\n",
      command,
      file == 1 ? "FILE" : "",
      file == 1 && !takes_nothing ? ", " : "",
      takes,
      file == 0 && takes_nothing ? "nothing beside --broker" : "");
  return false;
}

} // namespace

std::optional<client::options> connection_of(
    std::vector<std::string>& words,
    const std::vector<std::string>& brokers,
    needs whom,
    bool json) {
  client::options options;
  options.brokers = brokers;
  if (!brokers.empty()) {
    return options;
  }
  const auto plan = load_plan(words.front(), json);
  if (!plan) {
    return std::nullopt;
  }
  for (const auto& each : plan->brokers) {
    if (whom == needs::any_broker || each.name == plan->events.broker) {
      options.brokers.push_back(each.listen);
    }
  }
  options.heartbeat = plan->heartbeat;
  options.body_bytes_max = static_cast<std::size_t>(plan->body_bytes_max);
  words.erase(words.begin());
  return options;
}

client::options
options_for(const topology::plan& plan, std::vector<std::string> brokers, std::string name) {
  client::options options;
  options.brokers = std::move(brokers);
  options.heartbeat = plan.heartbeat;
  options.body_bytes_max = static_cast<std::size_t>(plan.body_bytes_max);
  options.name = std::move(name);
  return options;
}

std::vector<outcome<std::string>> ask_at_once(
    const client::options& options, const std::vector<question>& questions, milliseconds deadline) {
  std::vector<outcome<std::string>> answers(questions.size(), std::string{});
  auto opened = client::client::open(options);
  if (!opened) {
    std::fill(answers.begin(), answers.end(), failure{opened.error()});
    return answers;
  }
  client::client& calls = **opened;
  std::size_t open = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    client::call_request request{
        .capability = questions[i].capability,
        .operation = questions[i].operation,
        .body = questions[i].body};
    request.deadline = deadline;
    request.token = i;
    request.retry = true;
    if (const auto id = calls.submit(request); id) {
      ++open;
    } else {
      answers[i] = failure{id.error()};
    }
  }
  std::vector<client::completion> done;
  while (open > 0) {
    open -= calls.completions(done, deadline);
    for (const client::completion& each : done) {
      answers[each.token] =
          each.answer.map([](const client::reply_body& reply) { return std::string{reply.bytes}; });
    }
  }
  return answers;
}

std::optional<connection> connection::open(
    std::string_view command,
    const connect_arguments& given,
    std::string_view takes,
    std::size_t least,
    std::size_t most,
    needs whom,
    int& code) {
  code = exit_code::usage;
  if (!is_called_well(command, given, takes, least, most)) {
    return std::nullopt;
  }
  connection made;
  const auto deadline = parse_duration(given.deadline);
  if (!deadline || *deadline == milliseconds::zero()) {
    fmt::print(
        stderr, "troupe {}: `{}` is no duration; write 500ms, 5s or 1m\n", command, given.deadline);
    return std::nullopt;
  }
  made.deadline_ = *deadline;
  made.words_ = given.words;
  auto options = connection_of(made.words_, given.brokers, whom, given.json);
  if (!options) {
    code = exit_code::faults;
    return std::nullopt;
  }
  options->name = fmt::format("troupe-{}", command);
  auto client = client::client::open(*options);
  if (!client) {
    code = print_error(client.error(), given.json);
    return std::nullopt;
  }
  made.client_ = std::move(*client);
  return made;
}

outcome<std::string> connection::ask(client::call_request request) {
  const auto begun = std::chrono::steady_clock::now();
  request.deadline = deadline_;
  // Under one id, so that asking twice does nothing twice.
  request.id = request.id ? *request.id : uuid_source{}.next(std::chrono::system_clock::now());
  request.retry = false;
  auto answer = client_->call(request);
  if (answer || !asks_for_patience(answer.error().code) || is_wrong_broker(answer.error())) {
    return answer;
  }
  const auto spent = duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
  if (spent >= deadline_) {
    return answer;
  }
  request.deadline = deadline_ - spent;
  request.retry = true;
  return client_->call(request);
}

bool is_wrong_broker(const error& why) {
  return why.code == errc::unavailable && !why.detail("broker").empty();
}

int print_journal_error(const error& why, bool json, std::string_view next) {
  if (is_wrong_broker(why)) {
    return print_error(
        why,
        json,
        fmt::format(
            "ask broker {}, which keeps the journal; with the topology FILE instead of --broker it "
            "is found",
            why.detail("broker")));
  }
  if (why.possible == effect::unknown && !next.empty()) {
    return print_error(why, json, next);
  }
  switch (why.code) {
  case errc::deadline_exceeded:
    return print_error(
        why,
        json,
        "is the broker up? `troupe up FILE` starts it, `troupe status FILE` looks at it");
  case errc::overloaded:
  case errc::circuit_open:
  case errc::unavailable:
    return print_error(why, json, "try again, or give it more time with --deadline");
  default:
    return print_error(why, json);
  }
}

std::string text_or_stdin(const std::string& word) {
  return word == "-" ? std::string{std::istreambuf_iterator<char>{std::cin}, {}} : word;
}

std::optional<uuid> id_in(std::string_view command, const std::string& text) {
  const auto id = parse_uuid(text);
  if (!id) {
    fmt::print(stderr, "troupe {}: `{}` is no UUID\n", command, text);
  }
  return id;
}

} // namespace troupe
