#include "nodes/connection.hpp"

#include "runtime/config.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

namespace troupe {

namespace {

using std::chrono::duration_cast;

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
  (void)print_wrong_usage(
      command,
      fmt::format(
          "expected {}{}{}{}",
          file == 1 ? "FILE" : "",
          file == 1 && !takes_nothing ? ", " : "",
          takes,
          file == 0 && takes_nothing ? "nothing beside --broker" : ""),
      given.json);
  return false;
}

/// Whether `text` is tcp://HOST:PORT, as far as one can see.
bool is_endpoint(std::string_view text) {
  constexpr std::string_view scheme = "tcp://";
  const std::size_t colon = text.rfind(':');
  if (!text.starts_with(scheme) || colon <= scheme.size()) {
    return false;
  }
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, port);
  return read.ec == std::errc{} && read.ptr == end && port > 0;
}

} // namespace

std::optional<route> route_to(
    std::string_view command,
    std::vector<std::string>& words,
    const std::vector<std::string>& brokers,
    needs whom,
    bool json,
    int& code) {
  for (const std::string& each : brokers) {
    if (!is_endpoint(each)) {
      code = print_wrong_usage(
          command,
          fmt::format("--broker `{}`: write tcp://HOST:PORT, such as tcp://127.0.0.1:5550", each),
          json);
      return std::nullopt;
    }
  }
  client::options options;
  options.brokers = brokers;
  if (!brokers.empty()) {
    return route{options};
  }
  auto plan = load_plan(words.front(), json);
  if (!plan) {
    code = exit_code::faults;
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
  return route{std::move(options), std::move(plan)};
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
  const auto deadline = deadline_in(command, given.deadline, given.json);
  if (!deadline) {
    return std::nullopt;
  }
  made.deadline_ = *deadline;
  made.words_ = given.words;
  auto route = route_to(command, made.words_, given.brokers, whom, given.json, code);
  if (!route) {
    return std::nullopt;
  }
  route->options.name = fmt::format("troupe-{}", command);
  made.plan_ = std::move(route->plan);
  auto client = client::client::open(route->options);
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
  if (answer || !verdict_on(answer.error().code).asks_for_patience
      || is_wrong_broker(answer.error())) {
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
  default:
    return print_error(why, json);
  }
}

error unknown_capability(const topology::plan& plan, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& each : plan.capabilities) {
    known.push_back(each.name.value);
  }
  return {
      .code = errc::unknown_capability,
      .message =
          fmt::format("{} has no capability `{}`{}", plan.file, name, did_you_mean(name, known))};
}

outcome<std::string> body_in(const std::string& word) {
  const std::string text =
      word == "-" ? std::string{std::istreambuf_iterator<char>{std::cin}, {}} : word;
  auto body = wire::from_json(text);
  if (body) {
    return body;
  }
  try {
    [[maybe_unused]] const auto parsed = nlohmann::json::parse(text);
    return body; // It is JSON, but not such as can be sent.
  } catch (const nlohmann::json::parse_error& fault) {
    if (fault.byte > text.size()) {
      return failure{invalid("not JSON: it ends before it is complete")};
    }
    const std::string_view before = std::string_view{text}.substr(0, fault.byte - 1);
    const std::size_t line_begin = before.rfind('\n') + 1; // 0 on the first line.
    return failure{invalid(fmt::format(
        "not JSON: line {}, column {} cannot be read",
        std::count(before.begin(), before.end(), '\n') + 1,
        before.size() - line_begin + 1))};
  } catch (const nlohmann::json::exception&) {
    return failure{invalid("not JSON that can be read: a number is too large")};
  }
}

std::optional<uuid> id_in(std::string_view command, const std::string& text, bool json) {
  const auto id = parse_uuid(text);
  if (!id) {
    (void)print_wrong_usage(command, fmt::format("`{}` is no UUID", text), json);
  }
  return id;
}

std::optional<milliseconds>
deadline_in(std::string_view command, const std::string& text, bool json) {
  const auto deadline = parse_duration(text);
  if (deadline && *deadline != milliseconds::zero()) {
    return deadline;
  }
  (void)print_wrong_usage(
      command, fmt::format("`{}` is no duration; write 500ms, 5s or 1m", text), json);
  return std::nullopt;
}

} // namespace troupe
