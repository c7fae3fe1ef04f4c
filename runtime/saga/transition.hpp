#pragma once

#include "runtime/saga/state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::saga {

// The effect of each record on a state. Decisions and replay change the journaled part through
// these functions only, so that they cannot disagree.

/// The data of a `started` record: 8 bytes of deadline in Unix milliseconds, 8 bytes of fingerprint
/// (both big-endian), then the input.
std::string start_data_of(wall_time deadline, std::uint64_t fingerprint, std::string_view input);

inline constexpr std::size_t start_prefix_bytes = 16;

/// The fingerprint in the data of a `started` record; nothing if the data is cut off.
std::optional<std::uint64_t> fingerprint_in(std::string_view started_data);

/// @param data has at least `start_prefix_bytes`.
void apply_started(state& to, std::string data);
/// @param due_data of a step that waits; empty otherwise.
void apply_intent(state& to, std::uint32_t step, std::uint32_t round, std::string due_data = {});

/// An open step that waits gets its whole time again.
void apply_wait_anew(state& to, std::uint32_t step, std::string due_data);

/// The data of the intent of a step that waits: 8 bytes of Unix milliseconds, big-endian.
std::string due_data_of(wall_time due);
/// The time in the data of an intent; nothing if it is cut off.
std::optional<wall_time> due_in(std::string_view intent_data);

/// The data of the intent of a call, or of its undo: a byte 1, then 8 bytes, big-endian, with the
/// digest of its request (wire::digest_of_request). Because of the first byte, releases that expect
/// no digest do not take it for a time.
std::string request_data_of(std::uint64_t digest);
/// The digest in the data of an intent; nothing if it has none.
std::optional<std::uint64_t> request_in(std::string_view intent_data);

void apply_done(state& to, std::uint32_t step, std::string body);
void apply_failed(state& to, std::uint32_t step, error why);
void apply_undo_intent(state& to, std::uint32_t step, std::uint32_t round);
void apply_undone(state& to, std::uint32_t step);
void apply_completed(state& to);
void apply_compensated(state& to);
void apply_recalled(state& to, error why);
void apply_passed(state& to, std::uint32_t step);
void apply_parked(state& to, std::uint32_t step, error why);
void apply_resumed(state& to, std::uint32_t round);
/// A step that is called or undone.
void apply_skipped(state& to, std::uint32_t step);

/// The next step to undo: the last call that is done, or that began together with the one that
/// failed, or that one itself if it may have happened. Nothing if everything is undone or being
/// undone.
std::optional<std::uint32_t> next_to_undo(const plan& by, const state& in);

} // namespace troupe::saga
