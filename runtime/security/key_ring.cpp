#include "runtime/security/key_ring.hpp"

#include "runtime/security/key_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <utility>

namespace troupe::security {

outcome<std::unique_ptr<key_ring>> key_ring::open(std::string folder, std::string owner) {
  std::unique_ptr<key_ring> made{new key_ring{std::move(folder), std::move(owner)}};
  TROUPE_CHECK(made->reread());
  return made;
}

outcome<void> key_ring::reread() {
  TROUPE_TRY(auto fresh, read());
  const std::lock_guard lock{mutex_};
  now_ = std::move(fresh);
  return {};
}

outcome<key_ring::contents> key_ring::read() const {
  TROUPE_CHECK(check_key_folder(folder_));
  contents fresh;
  std::error_code fault;
  for (std::filesystem::directory_iterator each{folder_.empty() ? "." : folder_, fault}, end;
       !fault && each != end;
       each.increment(fault)) {
    const std::string owner = each->path().stem().string();
    if (each->path().extension() != ".pub" || !is_owner_name(owner)) {
      continue;
    }
    TROUPE_TRY(auto keys, read_public_keys(each->path().string()));
    for (const auto& key : keys) {
      const auto [known, is_new] = fresh.by_key.emplace(key, owner);
      if (!is_new) {
        return failure{invalid(fmt::format(
            "{}: {} and {} have the same public key; make a new one for one of them: `troupe keys "
            "rotate FILE --for NAME`",
            folder_,
            known->second,
            owner))};
      }
    }
    fresh.by_owner.emplace(owner, std::move(keys));
  }
  if (fault) {
    return failure{
        {.code = errc::unavailable,
         .message =
             fmt::format("cannot read the folder of keys {}: {}", folder_, fault.message())}};
  }
  const std::string file = secret_file_of(folder_, owner_);
  auto secret = read_secret_key(file);
  if (!secret) {
    if (secret.error().code == errc::unavailable) {
      secret.error().message += "; `troupe keys new FILE` makes keys, of which NAME.key belongs to "
                                "the host of NAME";
    }
    return failure{std::move(secret.error())};
  }
  fresh.own.secret_key = *secret;
  fresh.own.public_key = transport::public_key_of(*secret);
  const auto owner = fresh.by_key.find(fresh.own.public_key);
  if (owner == fresh.by_key.end() || owner->second != owner_) {
    return failure{invalid(fmt::format(
        "{} does not belong to {}: one of the two is of another rotation; copy both from the host "
        "where they were made",
        file,
        public_file_of(folder_, owner_)))};
  }
  return fresh;
}

std::string key_ring::owner_of(const transport::curve_public_key& key) const {
  const std::lock_guard lock{mutex_};
  const auto known = now_.by_key.find(key);
  return known == now_.by_key.end() ? std::string{} : known->second;
}

transport::curve_pair key_ring::own() const {
  const std::lock_guard lock{mutex_};
  return now_.own;
}

outcome<transport::curve_link_keys>
key_ring::link_to(const std::string& broker, std::size_t attempt) const {
  const std::lock_guard lock{mutex_};
  const auto known = now_.by_owner.find(broker);
  if (known == now_.by_owner.end()) {
    return failure{
        {.code = errc::unavailable,
         .message = fmt::format(
             "there is no {}; copy it from the broker's host", public_file_of(folder_, broker))}};
  }
  return transport::curve_link_keys{now_.own, known->second[attempt % known->second.size()]};
}

} // namespace troupe::security
