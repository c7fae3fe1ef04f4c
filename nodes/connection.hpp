#pragma once

#include "nodes/commands/command.hpp"
#include "runtime/client/client.hpp"
#include "runtime/wire/message.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Whether a command needs the broker that keeps the journal, or takes any.
enum class needs : std::uint8_t { any_broker, journal };

/// How to reach brokers, and the topology that says so if it was one.
struct route {
  client::options options;
  std::optional<topology::plan> plan{};
};

/// How to reach `brokers`, or those of the topology in the first of `words`, which is taken off.
///
/// Nothing after what is wrong with either was printed; the exit code is `code` then.
std::optional<route> route_to(
    std::string_view command,
    std::vector<std::string>& words,
    const std::vector<std::string>& brokers,
    needs whom,
    bool json,
    int& code);

/// How to reach `brokers` of a topology.
/// @param name of the one who asks, for the brokers' logs.
client::options
options_for(const topology::plan& plan, std::vector<std::string> brokers, std::string name);

/// One of several questions that are asked at once.
struct question {
  std::string capability;
  std::string operation;
  /// MessagePack.
  std::string body;
};

/// Asks each, again and again until the deadline. The answers are in the same order.
std::vector<outcome<std::string>> ask_at_once(
    const client::options& options, const std::vector<question>& questions, milliseconds deadline);

/// For commands that take as many words as there are.
inline constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max() - 1;

/// What a command asks its questions over.
class connection {
public:
  /// @param command its name, for messages: "publish".
  /// @param takes what comes after FILE, for messages: "TOPIC and JSON".
  /// @param least to `most` words are expected after FILE.
  /// @return nothing after what is wrong was printed; the exit code is `code` then.
  static std::optional<connection> open(
      std::string_view command,
      const connect_arguments& given,
      std::string_view takes,
      std::size_t least,
      std::size_t most,
      needs whom,
      int& code);

  /// What came after FILE.
  const std::vector<std::string>& words() const { return words_; }

  client::client& calls() { return *client_; }

  /// The topology; nothing if brokers were given instead.
  const std::optional<topology::plan>& plan() const { return plan_; }

  /// Asks within the deadline; with patience, unless it was the wrong broker.
  outcome<std::string> ask(client::call_request request);

  template <wire::message Reply, wire::message Request>
  outcome<Reply>
  ask(std::string_view capability, std::string_view operation, const Request& request) {
    const std::string body = wire::encoded(request);
    return ask({.capability = capability, .operation = operation, .body = body})
        .and_then([](const std::string& reply) { return wire::checked_decode<Reply>(reply); });
  }

private:
  connection() = default;

  std::vector<std::string> words_;
  milliseconds deadline_{};
  std::optional<topology::plan> plan_;
  std::unique_ptr<client::client> client_;
};

/// Whether `why` says that another broker keeps the journal.
bool is_wrong_broker(const error& why);

/// As `print_error`, of what the broker with the journal was asked.
/// @param next what to do if it is not known what came of it.
int print_journal_error(const error& why, bool json, std::string_view next = {});

/// That `plan` has no capability of that name.
error unknown_capability(const topology::plan& plan, const std::string& name);

/// The MessagePack of the JSON in `word`, or of what is on stdin for "-".
outcome<std::string> body_in(const std::string& word);

/// The UUID in `text`, or nothing after it was printed that it is none.
std::optional<uuid> id_in(std::string_view command, const std::string& text, bool json);

/// How long `text` says to wait, or nothing after it was printed that it does not.
std::optional<milliseconds>
deadline_in(std::string_view command, const std::string& text, bool json);

} // namespace troupe
