#pragma once

#include "nodes/command_line.hpp"
#include "nodes/commands/output.hpp"
#include "runtime/client/client.hpp"
#include "runtime/security/key_ring.hpp"
#include "runtime/wire/message.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The brokers that a command asks, and how long it waits for an answer.
struct connect_arguments {
  /// A topology, or tcp://HOST:PORT of a broker; empty if `brokers` are given instead.
  std::string file;
  std::vector<std::string> brokers;
  milliseconds deadline{5'000};
  bool json = false;
};

/// Declares FILE or --broker, and --json. Must come first, as FILE is the first word.
/// @param line its words decide which of the two is used.
void add_connection(const command_line& line, command& takes, connect_arguments& given);

/// Declares --deadline.
void add_deadline(command& takes, connect_arguments& given);

/// Whether a command needs the broker that keeps the journal, or can use any.
enum class needs : std::uint8_t { any_broker, journal };

/// The addresses at which the brokers of a topology listen, in its order.
std::vector<std::string> addresses_of(const topology::plan& plan);

/// The options for connecting to `brokers` of a topology.
/// @param name of the caller, for the brokers' logs.
/// @param keys of the caller; null if links have none.
client::options options_for(
    const topology::plan& plan,
    std::vector<std::string> brokers,
    std::string name,
    std::shared_ptr<const security::key_ring> keys);

/// The same for a command, with the keys of `operator`, or of the name in the environment variable
/// TROUPE_AS.
/// @errors of key_ring::open, with the reason `no_own_key`: the system was not asked.
outcome<client::options> options_for_command(
    const topology::plan& plan, std::vector<std::string> brokers, std::string_view command);

/// One of several requests made at once.
struct question {
  std::string capability;
  std::string operation;
  /// MessagePack.
  std::string body;
};

/// Sends all requests, each with retries until the deadline. The answers are in the same order.
/// @param options an error becomes the answer to each.
std::vector<outcome<std::string>> ask_at_once(
    const outcome<client::options>& options,
    const std::vector<question>& questions,
    milliseconds deadline);

/// The same over an existing client, which must not be used otherwise meanwhile.
std::vector<outcome<std::string>>
ask_at_once(client::client& calls, const std::vector<question>& questions, milliseconds deadline);

/// A client of the brokers that a command uses.
class connection {
public:
  /// @param command its name, for the brokers' logs: "publish".
  static or_exit<connection>
  open(std::string_view command, const connect_arguments& given, needs whom);

  client::client& calls() { return *client_; }

  milliseconds deadline() const { return deadline_; }

  /// The topology; nothing if brokers were given instead.
  const std::optional<topology::plan>& plan() const { return plan_; }

  /// Sends a request, with retries until the deadline if the broker is busy or away, but not if it
  /// is the wrong broker.
  outcome<std::string> ask(client::call_request request);

  template <wire::message Reply, wire::message Request>
  outcome<Reply>
  ask(std::string_view capability, std::string_view operation, const Request& request) {
    const std::string body = wire::encoded(request);
    return ask({.capability = capability, .operation = operation, .body = body})
        .and_then(wire::checked_decode<Reply>);
  }

private:
  connection() = default;

  milliseconds deadline_{};
  std::optional<topology::plan> plan_;
  std::unique_ptr<client::client> client_;
};

/// Whether `why` says that another broker keeps the journal.
bool is_wrong_broker(const error& why);

/// Like `print_error`, for an error of the broker that keeps the journal.
/// @param next advice for an error after which the effect is unknown.
int print_journal_error(const error& why, bool json, std::string_view next = {});

/// The MessagePack of the JSON in `word`, or of what is on stdin for "-".
outcome<std::string> body_in(const std::string& word);

/// Whether `word` is a topic, or the beginning of topics; a `word_check`.
std::string check_pattern(const std::string& word);

/// Whether `text` is a UUID; a `word_check`.
std::string check_uuid(const std::string& text);

/// Whether `text` is an id that a call or event may have; a `word_check`.
std::string check_call_id(const std::string& text);

} // namespace troupe
