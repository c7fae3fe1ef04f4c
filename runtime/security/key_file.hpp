#pragma once

#include "runtime/outcome.hpp"
#include "runtime/transport/curve_keys.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::security {

/// The most keys of one owner that are valid at once: the current one, and the previous one while
/// it is being replaced.
inline constexpr std::size_t live_keys_max = 2;

/// Whether an owner of keys may have this name: [a-z][a-z0-9_]{0,63}, as for nodes. It becomes a
/// file name.
bool is_owner_name(std::string_view name);

/// FOLDER/NAME.pub and FOLDER/NAME.key.
std::string public_file_of(const std::string& folder, std::string_view owner);
std::string secret_file_of(const std::string& folder, std::string_view owner);

/// Reads a file of public keys: a key of Z85 in each line, the newest first; lines that begin with
/// "# " are comments.
/// @return 1 to `live_keys_max` keys.
/// @errors `unavailable`: there is no such file; `invalid`: it cannot be used, with the reason.
outcome<std::vector<transport::curve_public_key>> read_public_keys(const std::string& file);

/// Reads a file with one secret key, of the same form.
///
/// The checks are made on the opened file, whatever happens to its name meanwhile.
/// @errors `unavailable`: there is no such file; `invalid`: it cannot be used; `forbidden`: others
/// can read it, or it belongs to another user.
outcome<transport::curve_secret_key> read_secret_key(const std::string& file);

/// Writes a file of public keys, which everybody may read. At any time the file is either the old
/// or the new one, also after a power failure.
/// @errors `unavailable`: the system refuses it, with the reason; the old file is unchanged.
outcome<void> write_public_keys(
    const std::string& file,
    std::string_view owner,
    const std::vector<transport::curve_public_key>& keys);

/// Writes a secret key in the same way; only this user can ever read it.
outcome<void> write_secret_key(
    const std::string& file, std::string_view owner, const transport::curve_secret_key& key);

/// Reads a file of keys of another form, under the same checks; a secret one as `read_secret_key`.
/// @return at most 4,096 bytes.
outcome<std::string> read_key_text(const std::string& file, bool is_secret);

/// Writes such a file in the same way.
outcome<void> write_key_text(const std::string& file, std::string_view text, bool is_secret);

/// Checks that no other user can put keys into the folder.
/// @errors `unavailable`: there is none; `forbidden`: others may write it.
outcome<void> check_key_folder(const std::string& folder);

} // namespace troupe::security
