#pragma once

#include "runtime/strangler/flag_record.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::strangler {

inline uuid id_of(std::uint8_t number) {
  uuid id;
  id.bytes[15] = std::byte{number};
  return id;
}

/// A journal that answers `read` and `topics` as the broker does.
struct small_journal {
  std::vector<wire::read_event> events; // Of all topics; positions from 1.
  uuid life = id_of(1);
  int asked = 0;

  void add(const std::string& topic, std::string body, const uuid& id = {}) {
    events.push_back({events.size() + 1, id, topic, "", "", 1'000, "", {std::move(body)}});
  }

  /// As a command does it. @return false if the id is taken, as the broker would find it.
  bool set(const flag_state& known, const std::string& flag, std::uint32_t to) {
    const uuid id = id_after(known);
    for (const auto& each : events) {
      if (each.id == id) {
        return false;
      }
    }
    add("troupe.flags",
        wire::encoded(change_after(
            known,
            flag,
            to,
            "ann@host",
            "because",
            id_of(static_cast<std::uint8_t>(100 + events.size() % 100)))),
        id);
    return true;
  }

  outcome<std::string> answer(std::string_view operation, const std::string& body) {
    ++asked;
    if (operation == "topics") {
      wire::topics_state state;
      for (const auto& each : events) {
        if (each.topic == "troupe.flags") {
          state.topics.assign(1, {.topic = each.topic, .events = 1, .last = each.position});
        }
      }
      return wire::encoded(state);
    }
    const auto what = *wire::checked_decode<wire::read_events>(body);
    wire::events_read read{.events = {}, .next = events.size(), .last = events.size()};
    read.life = life;
    if (what.after) {
      read.after_life = life;
    }
    for (const auto& each : events) {
      if (each.position > what.after.value_or(events.size()) && each.topic == "troupe.flags"
          && read.events.size() < what.count) {
        read.events.push_back(each);
        read.next = read.events.size() == what.count ? each.position : read.next;
      }
    }
    return wire::encoded(read);
  }

  journal_question ask = [this](std::string_view operation, const std::string& body) {
    return answer(operation, body);
  };
};

} // namespace troupe::strangler
