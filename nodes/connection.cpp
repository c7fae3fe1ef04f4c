#include "nodes/connection.hpp"

#include "nodes/commands/plan_file.hpp"
#include "nodes/link_keys.hpp"
#include "runtime/config.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
#include <iterator>
#include <utility>

namespace troupe {

namespace {

using std::chrono::duration_cast;

constexpr std::string_view scheme = "tcp://";

/// A quick check whether `text` is tcp://HOST:PORT.
bool is_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (!text.starts_with(scheme) || colon <= scheme.size()) {
    return false;
  }
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, port);
  return read.ec == std::errc{} && read.ptr == end && port > 0;
}

/// Refuses words that fail this check.
word_check endpoint_after(std::string_view option) {
  return [option](const std::string& word) {
    return is_endpoint(word)
               ? ""
               : fmt::format(
                   "{}`{}`: write tcp://HOST:PORT, such as tcp://127.0.0.1:5550", option, word);
  };
}

std::string check_file(const std::string& word) {
  return word.starts_with(scheme) ? endpoint_after("")(word) : "";
}

/// The brokers of `plan` that can answer.
std::vector<std::string> brokers_of(const topology::plan& plan, needs whom) {
  std::vector<std::string> brokers;
  for (const auto& each : plan.brokers) {
    if (whom == needs::any_broker || plan.events.is_shared() || each.name == plan.events.broker) {
      brokers.push_back(each.listen);
    }
  }
  return brokers;
}

} // namespace

void add_connection(const command_line& line, command& takes, connect_arguments& given) {
  if (!line.has("--broker")) {
    takes.word("FILE", given.file, "the topology, or tcp://HOST:PORT of a broker", check_file);
  }
  takes
      .option(
          "--broker",
          given.brokers,
          "tcp://HOST:PORT instead of FILE; may be repeated",
          endpoint_after("--broker "))
      .flag("--json", given.json, "one JSON object per line, errors included");
}

void add_deadline(command& takes, connect_arguments& given) {
  takes.option(
      "--deadline",
      given.deadline,
      fmt::format("when to give up [{}]", duration_text(given.deadline)));
}

std::vector<std::string> addresses_of(const topology::plan& plan) {
  std::vector<std::string> addresses;
  for (const topology::broker_plan& each : plan.brokers) {
    addresses.push_back(each.listen);
  }
  return addresses;
}

client::options options_for(
    const topology::plan& plan,
    std::vector<std::string> brokers,
    std::string name,
    std::shared_ptr<const security::key_ring> keys) {
  client::options options;
  options.brokers = std::move(brokers);
  if (keys != nullptr) {
    name = keys->owner();
    options.keys = link_keys(plan, std::move(keys), options.brokers);
  }
  options.heartbeat = plan.heartbeat;
  options.body_bytes_max = static_cast<std::size_t>(plan.body_bytes_max);
  options.name = std::move(name);
  return options;
}

outcome<client::options> options_for_command(
    const topology::plan& plan, std::vector<std::string> brokers, std::string_view command) {
  const char* const named = std::getenv("TROUPE_AS");
  return open_keys(plan, named == nullptr || *named == '\0' ? "operator" : named)
      .map([&](std::shared_ptr<security::key_ring> keys) {
        return options_for(
            plan, std::move(brokers), fmt::format("troupe-{}", command), std::move(keys));
      })
      .map_error([](error why) {
        why.details.emplace_back("reason", no_own_key);
        return why;
      });
}

std::vector<outcome<std::string>> ask_at_once(
    const outcome<client::options>& options,
    const std::vector<question>& questions,
    milliseconds deadline) {
  const auto opened = options.and_then(client::client::open);
  return opened ? ask_at_once(**opened, questions, deadline)
                : std::vector<outcome<std::string>>(questions.size(), failure{opened.error()});
}

std::vector<outcome<std::string>>
ask_at_once(client::client& calls, const std::vector<question>& questions, milliseconds deadline) {
  std::vector<outcome<std::string>> answers(questions.size(), std::string{});
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

or_exit<connection>
connection::open(std::string_view command, const connect_arguments& given, needs whom) {
  connection made;
  made.deadline_ = given.deadline;
  client::options options;
  options.brokers = given.brokers;
  options.name = fmt::format("troupe-{}", command);
  if (given.file.starts_with(scheme)) {
    options.brokers = {given.file};
  } else if (given.brokers.empty()) {
    auto plan = load_plan(given.file, given.json);
    if (!plan) {
      return tl::unexpected{plan.error()};
    }
    auto known = options_for_command(*plan, brokers_of(*plan, whom), command);
    if (!known) {
      return tl::unexpected{print_error(known.error(), given.json)};
    }
    options = std::move(*known);
    made.plan_ = std::move(*plan);
  }
  auto client = client::client::open(options);
  if (!client) {
    return tl::unexpected{print_error(client.error(), given.json)};
  }
  made.client_ = std::move(*client);
  return made;
}

outcome<std::string> connection::ask(client::call_request request) {
  const auto begun = std::chrono::steady_clock::now();
  request.deadline = deadline_;
  // The call has a fixed id, so that asking twice does not execute it twice.
  request.id = request.id ? *request.id : uuid_source{}.next(std::chrono::system_clock::now());
  request.retry = false;
  auto answer = client_->call(request);
  if (answer || !verdict_on(answer.error().code).asks_for_patience || answer.error().is_final
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
  // A broker that shares the journal names the broker that has it; the client goes there by itself.
  return why.code == errc::unavailable && !why.detail("broker").empty()
         && why.detail("reason") != wire::journal_elsewhere;
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
  if (!why.detail("login_refused").empty()) {
    return print_error(why, json);
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

outcome<std::string> body_in(const std::string& word) {
  return wire::from_json(
      word == "-" ? std::string{std::istreambuf_iterator<char>{std::cin}, {}} : word);
}

std::string check_call_id(const std::string& text) {
  if (std::string fault = check_uuid(text); !fault.empty()) {
    return fault;
  }
  // @source RFC 9562, section 4.2: the version is the 13th digit.
  const char version = text[14];
  return version == '7' || version == '8'
             ? ""
             : fmt::format(
                 "`{}` is a UUID of version {}, which does not say when it was made; ids are of "
                 "version 7, such as Python's uuid7() makes, or left out",
                 text,
                 version);
}

std::string check_pattern(const std::string& word) {
  return wire::is_pattern(word)
             ? ""
             : fmt::format("`{}` means no topics; write order.created, order.* or '*'", word);
}

std::string check_uuid(const std::string& text) {
  const auto id = parse_uuid(text);
  return id && *id != uuid{} ? "" : fmt::format("`{}` is no UUID that names anything", text);
}

} // namespace troupe
