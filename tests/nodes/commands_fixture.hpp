#pragma once

#include "runtime/time_text.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/json.hpp"
#include "tests/client/fake_broker.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fmt/format.h>
#include <mutex>
#include <sys/wait.h>

namespace troupe {

inline constexpr std::string_view some_id = "018f3c1e-7a2b-7c3d-8e4f-5061728394a5";

/// 2026-11-24T08:00:00Z
inline constexpr std::int64_t eight = 1'795'507'200'000;

struct question {
  std::string to;
  std::string operation;
  std::string key;
  std::string body;
  uuid id;

  template <class Message>
  Message as() const {
    return wire::checked_decode<Message>(body).value();
  }

  std::string json() const { return wire::to_json(body).value(); }
};

struct result {
  int code = -1;
  std::string out;
  std::string err;
};

inline std::string packed(std::string_view json) {
  return wire::from_json(json).value();
}

inline error unavailable(std::string broker = {}) {
  error why{.code = errc::unavailable, .message = "the journal is elsewhere"};
  if (!broker.empty()) {
    why.details.emplace_back("broker", std::move(broker));
  }
  return why;
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// `troupe` as a process, and a broker that answers what the test says.
struct commands_fixture {
  using answer = std::optional<outcome<std::string>>;

  commands_fixture() { std::filesystem::create_directory(folder); }

  ~commands_fixture() { std::filesystem::remove_all(folder); }

  commands_fixture(const commands_fixture&) = delete;
  commands_fixture& operator=(const commands_fixture&) = delete;

  /// Runs `troupe COMMAND --broker ... WORDS` to its end.
  result run(std::string_view command, const std::string& words);
  /// Runs `troupe WORDS` to its end.
  result run_words(const std::string& words);

  /// What is answered to each question from now on; called on the broker's thread.
  void answer_by(std::function<answer(const question&)> how) {
    const std::lock_guard lock{mutex};
    reply = std::move(how);
  }

  std::vector<question> asked() {
    const std::lock_guard lock{mutex};
    return questions;
  }

  template <class Message>
  void answers(const Message& message) {
    answer_by([bytes = wire::encoded(message)](const question&) { return bytes; });
  }

  std::string folder = fmt::format(
      "{}/troupe-commands-{}", std::filesystem::temp_directory_path().string(), ::getpid());
  std::mutex mutex;
  std::vector<question> questions;
  std::function<answer(const question&)> reply = [](const question&) { return std::nullopt; };
  test::fake_broker broker{[this](const wire::header_view& header, std::string_view body) {
    const question one{
        std::string{header.to},
        std::string{header.op},
        std::string{header.key},
        std::string{body},
        header.id};
    const std::lock_guard lock{mutex};
    questions.push_back(one);
    return reply(one);
  }};
};

inline wire::read_event event_at(std::uint64_t position, std::string topic) {
  return {
      .position = position,
      .id = parse_uuid(some_id).value(),
      .topic = std::move(topic),
      .key = "order-1",
      .source = "orders",
      .time = eight,
      .traceparent = {},
      .body = {packed(R"({"total":5})")}};
}

inline wire::letter some_letter() {
  return {
      .id = parse_uuid(some_id).value(),
      .capability = "notifications",
      .position = 42,
      .event_id = parse_uuid("018f3c1e-7a2b-7c3d-8e4f-000000000042").value(),
      .topic = "order.confirmed",
      .key = "order-1",
      .cause = "transient",
      .attempts = 10,
      .first_at = eight,
      .last_at = eight + 60'000,
      .node = "n1",
      .replica = 2,
      .error = "the mail server is away\nsecond line",
      .traceparent = {},
      .body = {}};
}

} // namespace troupe
