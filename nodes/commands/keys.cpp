#include "nodes/commands/keys.hpp"

#include "nodes/commands/output.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/key_folder.hpp"
#include "nodes/text_table.hpp"
#include "runtime/contains.hpp"
#include "runtime/security/key_file.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <unistd.h>

namespace troupe {

namespace {

using transport::curve_public_key;
using wire::json_object;

// The name whose key the other commands use.
constexpr std::string_view operator_name = "operator";

struct keys_arguments {
  std::string file;
  /// The owner; empty: all owners.
  std::string owner;
  bool is_finishing = false;
  bool json = false;
};

struct owner_of_keys {
  std::string name;
  /// "broker", "node", "gateway", "operator", or "client" for a name that the topology does not
  /// have.
  std::string_view what;
};

/// Reads the topology, and refuses one without `security`.
or_exit<topology::plan> plan_with_keys(const keys_arguments& given) {
  auto plan = load_plan(given.file, given.json);
  if (plan && !plan->security) {
    return tl::unexpected{print_error(
        invalid(fmt::format("{} has no `security`, so that its links have no keys", given.file)),
        given.json,
        "write `security: {}` into it; README of runtime/security says what follows")};
  }
  if (plan) {
    if (const auto acting = act_as_owner_of(plan->security->keys); !acting) {
      return tl::unexpected{
          print_error(acting.error(), given.json, "run the command as that user")};
    }
  }
  return plan;
}

/// All names in the topology, followed by other names that have keys.
std::vector<owner_of_keys> all_owners(const topology::plan& plan) {
  std::vector<owner_of_keys> all;
  for (const auto& each : plan.brokers) {
    all.push_back({each.name, "broker"});
  }
  for (const auto& each : plan.nodes) {
    all.push_back({each.name.value, "node"});
  }
  for (const auto& each : plan.gateways) {
    all.push_back({each.name, "gateway"});
  }
  all.push_back({std::string{operator_name}, "operator"});
  const std::size_t named = all.size();
  std::error_code fault;
  for (std::filesystem::directory_iterator each{plan.security->keys, fault}, end;
       !fault && each != end;
       each.increment(fault)) {
    const std::string name = each->path().stem().string();
    const bool is_known = contains(all, name, &owner_of_keys::name);
    if (each->path().extension() == ".pub" && security::is_owner_name(name) && !is_known) {
      all.push_back({name, "client"});
    }
  }
  std::sort(all.begin() + static_cast<std::ptrdiff_t>(named), all.end(), [](auto& a, auto& b) {
    return a.name < b.name;
  });
  return all;
}

/// The owners of keys to which the command applies.
std::vector<owner_of_keys> owners_meant(const topology::plan& plan, const keys_arguments& given) {
  auto all = all_owners(plan);
  if (given.owner.empty()) {
    return all;
  }
  const auto known = std::ranges::find(all, given.owner, &owner_of_keys::name);
  return {known == all.end() ? owner_of_keys{given.owner, "client"} : *known};
}

bool has_key_file(const std::string& file) {
  return ::access(file.c_str(), F_OK) == 0;
}

struct outcome_of_keys {
  std::string owner;
  /// "made", "kept", "elsewhere", "replaced", "finished".
  std::string_view what;
};

outcome<outcome_of_keys> make_keys(const std::string& folder, const std::string& owner) {
  const std::string open = security::public_file_of(folder, owner);
  const std::string secret = security::secret_file_of(folder, owner);
  if (has_key_file(secret)) {
    TROUPE_TRY(const auto kept, security::read_secret_key(secret));
    if (has_key_file(open)) {
      return outcome_of_keys{owner, "kept"};
    }
    return security::write_public_keys(open, owner, {transport::public_key_of(kept)}).map([&] {
      return outcome_of_keys{owner, "made"};
    });
  }
  if (has_key_file(open)) {
    return outcome_of_keys{owner, "elsewhere"};
  }
  const transport::curve_pair pair = transport::make_curve_pair();
  return security::write_secret_key(secret, owner, pair.secret_key)
      .and_then([&] { return security::write_public_keys(open, owner, {pair.public_key}); })
      .map([&] {
        return outcome_of_keys{owner, "made"};
      });
}

outcome<outcome_of_keys> replace_keys(const std::string& folder, const std::string& owner) {
  const std::string open = security::public_file_of(folder, owner);
  const std::string secret = security::secret_file_of(folder, owner);
  if (!has_key_file(secret)) {
    return outcome_of_keys{owner, "elsewhere"};
  }
  TROUPE_TRY(const auto known, security::read_public_keys(open));
  if (known.size() == security::live_keys_max) {
    return failure{
        {.code = errc::conflict,
         .message = fmt::format(
             "{} has two keys: the last rotation is not finished, and another one would shut out "
             "processes that use the older key",
             open)}};
  }
  const transport::curve_pair pair = transport::make_curve_pair();
  // Write the public keys first, so that the old secret key stays valid if the command ends in
  // between.
  return security::write_public_keys(open, owner, {pair.public_key, known.front()})
      .and_then([&] { return security::write_secret_key(secret, owner, pair.secret_key); })
      .map([&] {
        return outcome_of_keys{owner, "replaced"};
      });
}

outcome<outcome_of_keys> finish_keys(const std::string& folder, const std::string& owner) {
  const std::string open = security::public_file_of(folder, owner);
  const std::string secret = security::secret_file_of(folder, owner);
  TROUPE_TRY(const auto known, security::read_public_keys(open));
  curve_public_key kept = known.front();
  if (has_key_file(secret)) {
    TROUPE_TRY(const auto own, security::read_secret_key(secret));
    kept = transport::public_key_of(own);
    if (!contains(known, kept)) {
      return failure{invalid(fmt::format(
          "{} belongs to none of the keys in {}; copy both from the host where they were made",
          secret,
          open))};
    }
  }
  if (known.size() == 1) {
    return outcome_of_keys{owner, "kept"};
  }
  return security::write_public_keys(open, owner, {kept}).map([&] {
    return outcome_of_keys{owner, "finished"};
  });
}

using key_change = std::function<outcome<outcome_of_keys>(const std::string&, const std::string&)>;

/// Applies `change` to every chosen owner, and prints each result.
int change_all(
    const topology::plan& plan,
    const keys_arguments& given,
    const key_change& change,
    std::string_view next_if_any) {
  const std::string& folder = plan.security->keys;
  if (auto checked = security::check_key_folder(folder); !checked) {
    return print_error(checked.error(), given.json);
  }
  const folder_lock lock{folder};
  bool is_any = false;
  for (const owner_of_keys& each : owners_meant(plan, given)) {
    const auto done = change(folder, each.name);
    if (!done) {
      return print_error(
          done.error(),
          given.json,
          done.error().code == errc::conflict ? fmt::format(
              "`troupe keys rotate {} --finish`, once every process has read the new keys",
              shell_word(given.file))
                                              : "");
    }
    is_any = is_any || (done->what != "kept" && done->what != "elsewhere");
    if (given.json) {
      fmt::print(
          "{}\n",
          json_object{}
              .add("name", done->owner)
              .add("is", each.what)
              .add("did", done->what)
              .text());
    } else {
      fmt::print("{:<10} {} ({})\n", done->what, done->owner, each.what);
    }
  }
  if (is_any && !given.json) {
    print_aside(fmt::format("  next: {}\n", next_if_any));
  }
  return exit_code::ok;
}

int run_new(const keys_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, plan_with_keys(given));
  const std::string& folder = plan.security->keys;
  if (const auto made = make_key_folder(folder); !made) {
    return print_error(
        made.error(),
        given.json,
        "make it yourself (mode 0700), or write another into `security: {keys: ...}`");
  }
  return change_all(
      plan,
      given,
      make_keys,
      fmt::format(
          "copy all *.pub of {} to every host, NAME.key to the host of NAME alone; processes that "
          "run read new ones at SIGHUP",
          folder));
}

int run_rotate(const keys_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, plan_with_keys(given));
  if (given.is_finishing) {
    return change_all(
        plan,
        given,
        finish_keys,
        "copy *.pub to every host, and send each process SIGHUP once more");
  }
  const bool has_tokens = plan.security->tokens.has_value();
  return change_all(
      plan,
      given,
      replace_keys,
      fmt::format(
          "copy *.pub to every host; send SIGHUP to nodes, gateways, then brokers (`troupe up` "
          "passes it on so){}; then `troupe keys rotate {} --finish`",
          has_tokens ? "; tokens are bound to keys: whoever has a token in a file needs one of "
                       "`troupe token new` before its next login"
                     : "",
          shell_word(given.file)));
}

/// The state of the keys of `owner`: where the secret key is, or what is wrong with the files.
std::string state_of(
    const std::string& folder,
    const std::string& owner,
    const outcome<std::vector<curve_public_key>>& known) {
  const std::string secret = security::secret_file_of(folder, owner);
  if (!has_key_file(secret)) {
    return known ? "elsewhere" : known.error().message;
  }
  const auto own = security::read_secret_key(secret);
  if (!own) {
    return own.error().message;
  }
  if (!known) {
    return known.error().message;
  }
  const bool belongs = contains(*known, transport::public_key_of(*own));
  return belongs ? "here" : "here, and belongs to no public key of this name";
}

int run_list(const keys_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, plan_with_keys(given));
  const std::string& folder = plan.security->keys;
  text_table table{{{"name"}, {"is"}, {"secret key"}, {"public keys, the newest first"}}};
  for (const owner_of_keys& each : owners_meant(plan, given)) {
    const auto known = security::read_public_keys(security::public_file_of(folder, each.name));
    std::vector<std::string> keys;
    if (known) {
      std::ranges::transform(*known, std::back_inserter(keys), transport::to_z85);
    }
    const std::string state = state_of(folder, each.name, known);
    if (given.json) {
      fmt::print(
          "{}\n",
          json_object{}
              .add("name", each.name)
              .add("is", each.what)
              .add("secret", state)
              .add("public", keys)
              .text());
    } else {
      table.add(
          {each.name, std::string{each.what}, state, fmt::format("{}", fmt::join(keys, " "))});
    }
  }
  fmt::print("{}", given.json ? "" : table.for_terminal());
  if (const auto checked = security::check_key_folder(folder); !checked) {
    return print_error(checked.error(), given.json);
  }
  return exit_code::ok;
}

std::string check_owner(const std::string& word) {
  return security::is_owner_name(word)
             ? ""
             : fmt::format(
                 "`{}` is not a name: start with a-z, continue with a-z, 0-9 and _", word);
}

} // namespace

void add_keys(command_line& line) {
  const auto given = std::make_shared<keys_arguments>();
  command all = line.add("keys", "Keys of a topology's links: creates, lists and replaces them");
  all.footer(with_exit_codes());
  all.add("new", "Creates missing keys of brokers, nodes, gateways and `operator`")
      .word("FILE", given->file, "the topology, which has `security`")
      .option(
          "--for",
          given->owner,
          "only those of this name, which may be an operator or client that the topology does not "
          "have",
          check_owner)
      .flag("--json", given->json, "one JSON object for each")
      .footer(with_exit_codes("Existing keys are kept. The other commands use the key of "
                              "`operator`, or of the name in the environment's TROUPE_AS."))
      .runs([given] { return run_new(*given); });
  all.add("list", "Lists the keys: whose secret keys are here, who is being given new ones")
      .word("FILE", given->file, "the topology, which has `security`")
      .option("--for", given->owner, "only those of this name", check_owner)
      .flag("--json", given->json, "one JSON object for each")
      .footer(with_exit_codes())
      .runs([given] { return run_list(*given); });
  all.add(
         "rotate",
         "Replaces the keys whose secret keys are here; the old ones stay valid until --finish")
      .word("FILE", given->file, "the topology, which has `security`")
      .option("--for", given->owner, "only those of this name", check_owner)
      .flag("--finish", given->is_finishing, "forgets the old ones")
      .flag("--json", given->json, "one JSON object for each")
      .footer(with_exit_codes())
      .runs([given] { return run_rotate(*given); });
}

} // namespace troupe
