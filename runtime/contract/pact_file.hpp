#pragma once

#include "runtime/contract/interaction.hpp"
#include "runtime/outcome.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace troupe::contract {

/// Reads a contract.
///
/// @param text a Pact file of version 4.
/// @errors `invalid`, with the place in the file: no JSON; another version; a part that is missing
/// or of another type; a kind of interaction, matcher or encoding that is not known here, since to
/// pass over it would be to say that it holds.
outcome<pact> read_pact(std::string_view text);

/// Reads one interaction, as it stands in a Pact file. @errors as `read_pact`.
outcome<interaction> read_interaction(const json& from);

/// The text of the file of `consumer` and `provider` with the interactions of `old` and `added`, in
/// the order of their descriptions and states, so that it is the same whichever test ran first.
///
/// @param old the file as it was; empty if there is none.
/// @param added interactions as they stand in a Pact file.
/// @errors `conflict`: two interactions have one description and the same states and say different
/// things; `invalid`: `old` is no contract of the two.
outcome<std::string> merged_pact(
    std::string_view old,
    const std::string& consumer,
    const std::string& provider,
    const std::vector<json>& added);

/// Merges `added` into the file, which is made, with its folder, if it is not there. Another
/// process that does the same waits.
/// @errors as `merged_pact`; `unavailable`: the file cannot be read or written.
outcome<void> merge_into_file(
    const std::filesystem::path& file,
    const std::string& consumer,
    const std::string& provider,
    const std::vector<json>& added);

} // namespace troupe::contract
