#include "nodes/link_keys.hpp"

#include "nodes/service_tokens.hpp"

#include <algorithm>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <utility>

namespace troupe {

namespace {

/// Keeps this process from leaving a core file, which would contain its keys and messages, in its
/// folder or with a program that collects core files.
void forbid_core_files() {
  // A limit of one byte also applies when core files are piped to a program; a limit of zero does
  // not.
  // @source Linux, fs/coredump.c.
  const rlimit none{1, 1};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) {
    const rlimit nothing{0, 0}; // The limit was lower already.
    (void)::setrlimit(RLIMIT_CORE, &nothing);
  }
}

/// Keeps programs started by this process from gaining rights through set-user-id files.
void forbid_new_privileges() {
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); // Linux has it since 3.5.
}

} // namespace

outcome<std::shared_ptr<security::key_ring>>
open_keys(const topology::plan& plan, const std::string& owner) {
  if (!plan.security) {
    return std::shared_ptr<security::key_ring>{};
  }
  forbid_core_files();
  forbid_new_privileges();
  TROUPE_TRY(auto ring, security::key_ring::open(plan.security->keys, owner));
  return std::shared_ptr<security::key_ring>{std::move(ring)};
}

transport::link_key_source link_keys(
    const topology::plan& plan,
    std::shared_ptr<const security::key_ring> ring,
    const std::vector<std::string>& brokers,
    observe::event_log* log) {
  if (ring == nullptr) {
    return {};
  }
  std::vector<std::string> names;
  for (const std::string& address : brokers) {
    const auto known = std::ranges::find_if(
        plan.brokers, [&](const auto& each) { return each.listen == address; });
    names.push_back(known == plan.brokers.end() ? std::string{} : known->name);
  }
  return [log,
          ring = std::move(ring),
          names = std::move(names),
          folder = plan.security->keys,
          tokens = plan.security->tokens](
             int broker, std::size_t attempt) -> outcome<transport::curve_link_keys> {
    auto keys = ring->link_to(names[static_cast<std::size_t>(broker)], attempt);
    if (keys && tokens && tokens->at_login) {
      TROUPE_TRY(auto token, login_token_of(folder, *tokens, *ring));
      if (log != nullptr) {
        token.not_renewed = [log,
                             name = names[static_cast<std::size_t>(broker)]](const error& why) {
          log->write(
              "token.not_renewed",
              {{"broker", name},
               {"code", std::string{name_of(why.code)}},
               {"reason", why.message}});
        };
      }
      keys->token = std::move(token);
    }
    return keys;
  };
}

bool reread_keys(security::key_ring& ring, observe::event_log& log) {
  const auto read = ring.reread();
  log.write(
      read ? "keys.read" : "keys.kept",
      read ? observe::log_fields{} : observe::log_fields{{"reason", read.error().message}});
  return read.has_value();
}

} // namespace troupe
