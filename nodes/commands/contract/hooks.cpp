#include "nodes/commands/contract/hooks.hpp"

#include "nodes/commands/contract/contract_files.hpp"
#include "nodes/commands/contract/state_hook.hpp"
#include "nodes/commands/contract/topology_messages.hpp"
#include "nodes/stop_signals.hpp"
#include "runtime/base64.hpp"
#include "runtime/gateway/problem_of.hpp"
#include "runtime/http/server.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace troupe {

namespace {

struct hooks_arguments {
  std::vector<std::string> files;
  std::string topology;
  std::string states;
  std::string listen = "127.0.0.1:0";
  milliseconds deadline{5'000};
};

http::response json_response(const contract::json& body) {
  return http::with_body(200, "application/json", body.dump());
}

http::response refused(const error& why) {
  return http::to_response(gateway::problem_of(why, uuid{}));
}

/// Answers the hooks' requests. Confined to one thread.
class hook_answers {
public:
  hook_answers(
      topology_messages system,
      std::vector<contract::pact> pacts,
      std::string states,
      milliseconds deadline)
      : system_{std::move(system)}, pacts_{std::move(pacts)}, states_{std::move(states)},
        deadline_{deadline} {}

  http::response answer(const http::request& asked) {
    const contract::json body = contract::json::parse(asked.body, nullptr, false);
    if (asked.method != http::method::post || !body.is_object()) {
      return refused(invalid("send a POST with a JSON object"));
    }
    if (asked.target.raw == "/_pact/state") {
      return state(body);
    }
    return asked.target.raw == "/_pact/messages" ? message(body) : http::response{404};
  }

private:
  /// The text under a key; `otherwise` if it is missing or not a text.
  static std::string
  text_in(const contract::json& body, const char* key, std::string_view otherwise = "") {
    const auto found = body.find(key);
    return found != body.end() && found->is_string() ? found->get<std::string>()
                                                     : std::string{otherwise};
  }

  http::response state(const contract::json& body) {
    const contract::provider_state wanted{
        text_in(body, "state"), body.value("params", contract::json::object())};
    // Verifiers also ask for the state of interactions without one, and for the teardown of states.
    if (wanted.name.empty() || text_in(body, "action", "setup") != "setup") {
      return json_response(contract::json::object());
    }
    // The first state of an interaction starts it.
    if (const auto begun = has_begun_ ? outcome<void>{} : system_.begin(); !begun) {
      return refused(begun.error());
    }
    has_begun_ = true;
    const auto values = set_up_state(states_, wanted, deadline_);
    return values ? json_response(*values) : refused(values.error());
  }

  http::response message(const contract::json& body) {
    has_begun_ = false;
    const auto* const which = find(body);
    if (which == nullptr) {
      return refused(invalid("no message of the contracts has this description and these states"));
    }
    const auto* const event = std::get_if<contract::message>(&which->what);
    const auto made = event != nullptr
                          ? system_.event(*event)
                          : system_.reply(std::get<contract::call_exchange>(which->what).request);
    if (!made) {
      return refused(made.error());
    }
    auto response = http::with_body(200, made->type, made->contents);
    response.fields.emplace_back("Pact-Message-Metadata", to_base64(made->metadata.dump()));
    return response;
  }

  /// The names of the states in a request, in order; empty if it has none.
  static std::vector<std::string> states_in(const contract::json& body) {
    std::vector<std::string> names;
    const auto states = body.find("providerStates");
    for (const auto& each : states != body.end() ? *states : contract::json::array()) {
      names.push_back(each.is_object() ? text_in(each, "name") : "");
    }
    return names;
  }

  /// The message with this description. Among several, the one with the states of the request, or
  /// the first if the request has no states.
  const contract::interaction* find(const contract::json& body) const {
    const std::string described = text_in(body, "description");
    const std::vector<std::string> states = states_in(body);
    const contract::interaction* first = nullptr;
    std::size_t count = 0;
    for (const contract::pact& pact : pacts_) {
      for (const contract::interaction& each : pact.interactions) {
        if (each.description != described
            || std::holds_alternative<contract::http_exchange>(each.what)) {
          continue;
        }
        first = ++count == 1 ? &each : first;
        if (std::equal(
                states.begin(),
                states.end(),
                each.states.begin(),
                each.states.end(),
                [](const auto& name, const auto& state) { return name == state.name; })) {
          return &each;
        }
      }
    }
    return states.empty() || count == 1 ? first : nullptr;
  }

  topology_messages system_;
  std::vector<contract::pact> pacts_;
  std::string states_;
  milliseconds deadline_;
  bool has_begun_ = false;
};

/// Answers requests one by one on its own thread, since an answer takes time.
class answering_thread {
public:
  explicit answering_thread(hook_answers& answers)
      : thread_{[this, &answers](const std::stop_token& stop) { run(answers, stop); }} {}

  void add(http::request asked, http::responder answers) {
    const std::lock_guard lock{mutex_};
    waiting_.emplace_back(std::move(asked), std::move(answers));
    came_.notify_one();
  }

private:
  void run(hook_answers& answers, const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (came_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
      auto [asked, to] = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      to.respond(answers.answer(asked));
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any came_;
  /// Waiting requests, bounded by the number of connections.
  std::deque<std::pair<http::request, http::responder>> waiting_;
  std::jthread thread_;
};

int run(const hooks_arguments& given) {
  // Block the signals before any thread starts, since threads inherit the mask.
  const sigset_t stop_signals = block_stop_signals();
  auto pacts = read_contracts(given.files);
  if (!pacts) {
    return print_wrong_usage("contract hooks", pacts.error().message, false);
  }
  connect_arguments to;
  to.file = given.topology;
  to.deadline = given.deadline;
  auto over = connection::open("contract", to, needs::journal);
  if (!over) {
    return exit_code::usage;
  }
  hook_answers answers{
      topology_messages{*std::move(over)}, *std::move(pacts), given.states, given.deadline};
  answering_thread thread{answers};
  auto server = http::server::start(
      {.address = given.listen}, [&thread](http::request asked, const http::responder& to_answer) {
        thread.add(std::move(asked), to_answer);
      });
  if (!server) {
    return print_error(server.error(), false);
  }
  fmt::print("hooks at http://{}/_pact/state and /_pact/messages\n", (*server)->address());
  written_out(exit_code::ok);
  await_stop_signal(stop_signals, std::stop_token{});
  return exit_code::ok;
}

} // namespace

void add_contract_hooks(command contract) {
  const auto given = std::make_shared<hooks_arguments>();
  contract.add("hooks", "Answers other verifiers of Pact files for a running topology")
      .words("FILE...", given->files, "the Pact files, which say what each message is")
      .required_option("--topology", given->topology, "the running system")
      .required_option(
          "--states", given->states, "a command that is run with `setup STATE` for a state")
      .option("--listen", given->listen, "an address and a port [127.0.0.1:0]")
      .option("--deadline", given->deadline, "of each question [5s]")
      .footer("For tests: anybody who reaches it may set up states.")
      .runs([given] { return run(*given); });
}

} // namespace troupe
