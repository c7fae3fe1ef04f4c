#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/wire/life_calls.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::why {

/// The verdict of the stores on an id.
enum class verdict : std::uint8_t {
  /// It is over: answered, handled by all, undone, or refused for good.
  done,
  /// Work is in progress, or waits for its time.
  under_way,
  /// It continues only if a person acts.
  waits_for_person,
  /// No store knows it.
  not_known,
};

std::string_view name_of(verdict of);

struct letter_told {
  uuid id{};
  uuid event{};
  std::string capability{};
  std::string topic{};
  std::string cause{};
  std::string reason{};
  std::string node{};
  std::uint32_t replica = 0;
  std::uint32_t attempts = 0;
  wall_time first{};
  wall_time last{};
};

/// An event that was journaled again for a single capability, because its dead letter was retried.
struct retry_told {
  std::uint64_t position = 0;
  std::string capability{};
};

/// A scheduled event that an operator has cancelled.
struct cancellation_told {
  uuid id{};
  /// When it was cancelled, if the journal was read; otherwise `words` says so.
  std::optional<wall_time> at{};
  /// The event, who cancelled it and why.
  std::string words{};
};

/// A subscriber of which it is unknown whether it has handled an event.
struct unheard_told {
  std::uint64_t position = 0;
  std::string capability{};
};

/// Everything that the stores and the journal know about one id and its consequences.
struct life {
  std::vector<wire::message_told> messages{};
  std::vector<wire::saga_told> sagas{};
  std::vector<wire::effect_told> effects{};
  std::vector<wire::event_told> events{};
  std::vector<letter_told> letters{};
  std::vector<wire::change_told> changes{};
  std::vector<retry_told> retries{};
  std::vector<cancellation_told> cancelled{};
  std::vector<unheard_told> unheard{};
  /// Sentences about parts that could not be read, or are not stored anywhere.
  std::vector<std::string> not_known{};
};

/// A verdict, and why in words.
struct judgement {
  verdict is = verdict::not_known;
  std::string why{};
};

/// The verdict on `asked`: on the item itself, not on its consequences.
judgement judge(const life& of, const uuid& asked);

/// Sentences about the kinds of work that leave no row in any store, whatever the id.
std::vector<std::string> things_without_rows();

/// The result as a page for a terminal, with its verdict.
std::string page_of(const life& of, const uuid& asked);

/// The same as one JSON object.
std::string json_of(const life& of, const uuid& asked);

} // namespace troupe::why
