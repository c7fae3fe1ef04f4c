#pragma once

#include "runtime/ids.hpp"
#include "runtime/secret_hash.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <unordered_map>

namespace troupe::broker {

/// The number of worker deaths after which a call or event is sent alone.
inline constexpr std::uint8_t deaths_suspected = 2;
/// The number of worker deaths after which a call or event is not tried again, if three of these
/// workers had nothing else in hand. A death with other messages in hand proves little. One death
/// without them may be chance: an operator who kills workers may hit one that runs a suspect, but
/// not the same suspect three times.
inline constexpr std::uint8_t deaths_convicted = 5;

/// Remembers how many workers died with which call or event in hand, even after the end of a call:
/// a client that gave up and repeats the call under its id must not start a new count.
///
/// Deaths are those of incarnations: each counts once for an id, however often its link is cut, and
/// not at all once it is back. Bounded: of more than `ids_max` those blamed first are forgotten.
class blame_book {
public:
  static constexpr std::size_t ids_max = 16'384;

  std::uint8_t deaths_of(const uuid& id) const;
  /// The incarnation is gone, with `id` in hand. @return the deaths of `id`, this one included:
  /// that of a suspect counts only if the worker had nothing else in hand.
  std::uint8_t blame(const uuid& id, const uuid& incarnation, bool was_alone);
  /// The number of times that a worker died with the suspect after its time alone was over, when
  /// the worker had other messages, too.
  std::uint8_t outlasted(const uuid& id) const;
  /// The incarnation lives: only its link was cut. @return the remaining deaths of `id`.
  std::uint8_t take_back(const uuid& id, const uuid& incarnation);

  /// Notes that a message cut the link of a worker again and again: it is remembered until
  /// `allow_again`, or until it is forgotten like the others.
  void set_aside(const uuid& id) { find_or_add(id).is_set_aside = true; }

  bool is_set_aside(const uuid& id) const;
  /// Lets messages that cut links be sent again: another process may accept what the former did
  /// not.
  void allow_again();
  /// Forgets an id, as a worker answered it and survived.
  void clear(const uuid& id);

  bool empty() const { return blamed_.empty(); }

private:
  struct entry {
    std::array<uuid, deaths_convicted> dead;
    std::uint8_t deaths = 0;
    std::uint8_t outlasted = 0;
    bool is_set_aside = false;
    std::uint64_t number = 0;
  };

  entry& find_or_add(const uuid& id);

  std::unordered_map<uuid, entry, secret_hash> blamed_;
  std::map<std::uint64_t, uuid> in_order_; // The ids by the entries' numbers.
  std::uint64_t numbers_ = 0;
};

} // namespace troupe::broker
