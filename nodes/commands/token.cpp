#include "nodes/commands/token.hpp"

#include "nodes/commands/output.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/key_folder.hpp"
#include "nodes/service_tokens.hpp"
#include "runtime/ids.hpp"
#include "runtime/security/key_file.hpp"
#include "runtime/security/service_token.hpp"
#include "runtime/security/token_files.hpp"
#include "runtime/text_file.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"

#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

namespace {

using wire::json_object;

struct token_arguments {
  std::string file;
  std::string service;
  std::string token_file;
  std::string to;
  bool is_shared = false;
  bool is_unbound = false;
  bool json = false;
};

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string moment_text(std::int64_t seconds) {
  return utc_time_text(milliseconds{seconds * 1'000});
}

/// Reads the topology, and refuses one without tokens.
or_exit<topology::plan> plan_with_tokens(const token_arguments& given) {
  auto plan = load_plan(given.file, given.json);
  if (plan && (!plan->security || !plan->security->tokens)) {
    return tl::unexpected{print_error(
        invalid(fmt::format("{} has no `tokens` in `security`", given.file)),
        given.json,
        "write `security: {tokens: {issuer: NAME, audience: NAME}}` into it")};
  }
  return plan;
}

int make_token_keys(const token_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, plan_with_tokens(given));
  const std::string& folder = plan.security->keys;
  const auto ready =
      act_as_owner_of(folder).and_then([&] { return make_key_folder(folder); }).and_then([&] {
        return security::check_key_folder(folder);
      });
  if (!ready) {
    return print_error(ready.error(), given.json);
  }
  const folder_lock lock{folder};
  std::error_code fault;
  const bool are_there = std::filesystem::exists(security::token_secret_file(folder), fault);
  const auto before = are_there ? security::read_signing_keys(folder)
                                : outcome<security::token_keys>{security::token_keys{}};
  if (!before) {
    return print_error(before.error(), given.json);
  }
  if (given.is_shared && are_there
      && before->all().front().algorithm != security::token_algorithm::hs256) {
    return print_error(
        {.code = errc::conflict,
         .message = fmt::format(
             "the keys in {} are Ed25519, and a new one is of the kind of those before it",
             security::token_secret_file(folder))},
        given.json,
        "leave --shared out; or take that file and tokens.pub.jwks away first, after which no "
        "token of theirs is valid");
  }
  const auto keys = are_there ? before->rotated()
                              : security::token_keys::make(
                                  given.is_shared ? security::token_algorithm::hs256
                                                  : security::token_algorithm::ed25519);
  if (const auto written = security::write_token_keys(folder, keys); !written) {
    return print_error(written.error(), given.json);
  }
  const security::token_key& newest = keys.all().front();
  std::vector<std::string> ended;
  for (const security::token_key& each : before->all()) {
    if (keys.find(each.id) == nullptr) {
      ended.push_back(each.id);
    }
  }
  if (given.json) {
    fmt::print(
        "{}\n",
        json_object{}
            .add("ok", true)
            .add("key", newest.id)
            .add("algorithm", security::name_of(newest.algorithm))
            .add("live", keys.all().size())
            .add("ended", ended)
            .text());
  } else {
    fmt::print(
        "{} {} key {} in {}; {}\n",
        are_there ? "put in front: the" : "made: the",
        security::name_of(newest.algorithm),
        newest.id,
        security::token_secret_file(folder),
        keys.all().size() == 1 ? "it is the only one" : "tokens of the previous key stay valid");
    if (are_there) {
      print_aside(
          "  next: copy tokens.pub.jwks to every host, and send brokers and gateways SIGHUP: until "
          "then they refuse tokens of the new key\n");
    }
    if (!ended.empty()) {
      print_aside(fmt::format(
          "tokens of the key {} are no longer valid: only two keys are known at once\n"
          "  next: replace those still in use (`troupe token new`)\n",
          fmt::join(ended, ", ")));
    }
  }
  return exit_code::ok;
}

int make_token(const token_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, plan_with_tokens(given));
  if (!security::is_owner_name(given.service)) {
    return print_wrong_usage(
        "token new",
        fmt::format("--for {}: a service is [a-z][a-z0-9_]*", given.service),
        given.json);
  }
  const std::string& folder = plan.security->keys;
  const auto keys =
      act_as_owner_of(folder).and_then([&] { return security::read_signing_keys(folder); });
  if (!keys) {
    return print_error(keys.error(), given.json);
  }
  const auto& options = *plan.security->tokens;
  security::service_token made = new_token(options, given.service, std::nullopt);
  const auto bound = security::read_public_keys(security::public_file_of(folder, given.service));
  if (!given.is_unbound && bound) {
    made.bound_to = bound->front();
  } else if (!given.is_unbound && bound.error().code != errc::unavailable) {
    return print_error(bound.error(), given.json);
  } else if (!given.is_unbound) {
    print_aside(fmt::format(
        "{} has no key in {}: whoever has this token is {} until it expires\n",
        given.service,
        folder,
        given.service));
  }
  const std::string token = security::write_token(made, *keys->signing());
  if (!given.to.empty()) {
    const auto written = security::write_key_text(given.to, token + "\n", true);
    if (!written) {
      return print_error(written.error(), given.json);
    }
    fmt::print(
        "{}\n",
        given.json ? json_object{}.add("ok", true).add("expires", made.expires).text()
                   : fmt::format("{} has it until {}", given.to, moment_text(made.expires)));
    return exit_code::ok;
  }
  fmt::print(
      "{}\n",
      given.json
          ? json_object{}.add("ok", true).add("token", token).add("expires", made.expires).text()
          : token);
  return written_out(exit_code::ok);
}

// The largest size of a token's file; only its first line counts.
constexpr std::size_t token_file_bytes_max = 65'536;

/// The token in a file, or on stdin, without the line end.
outcome<std::string> read_token(const std::string& file) {
  std::string text;
  if (file.empty() || file == "-") {
    std::getline(std::cin, text);
  } else {
    const auto read = read_text_file(file, token_file_bytes_max);
    if (!read || read->empty()) {
      return failure{invalid(
          fmt::format("there is no token in {}{}", file, read ? "" : ": " + read.error().message))};
    }
    text = read->substr(0, read->find('\n'));
  }
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

int show_token(const token_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, plan_with_tokens(given));
  TROUPE_TRY_EXIT(
      const auto keys, or_print(security::read_checking_keys(plan.security->keys), given.json));
  const auto text = read_token(given.token_file);
  if (!text) {
    return print_error(text.error(), given.json, "name the file of a token, or give it on stdin");
  }
  TROUPE_TRY_EXIT(const auto token, or_print(security::look_at_token(*text), given.json));
  const auto checked =
      security::check_token(*text, keys, token_rules(*plan.security->tokens), seconds_now());
  const std::string why = checked ? "" : checked.error().message;
  if (given.json) {
    fmt::print(
        "{}\n",
        json_object{}
            .add("ok", checked.has_value())
            .add("service", token.service)
            .add("issuer", token.issuer)
            .add("audience", token.audience)
            .add("id", token.id)
            .add("issued", token.issued)
            .add("expires", token.expires)
            .add("bound_to", token.bound_to ? transport::to_z85(*token.bound_to) : std::string{})
            .add("why", why)
            .text());
  } else {
    fmt::print(
        "service {}, made by {} for {} (id {})\nholds from {} to {}\n{}\n{}\n",
        token.service,
        token.issuer,
        token.audience,
        token.id,
        moment_text(token.issued),
        moment_text(token.expires),
        token.bound_to
            ? fmt::format("in sessions with the key {}", transport::to_z85(*token.bound_to))
            : "in any session",
        checked ? "it is accepted" : why);
  }
  return checked ? exit_code::ok : exit_code::error;
}

} // namespace

void add_token(command_line& line) {
  const auto given = std::make_shared<token_arguments>();
  command token = line.add("token", "Creates and shows service tokens");
  token.add("keys", "Creates the key that signs tokens, or a new one before the existing one")
      .word("FILE", given->file, "the topology")
      .flag("--shared", given->is_shared, "a shared secret (HS256) instead of Ed25519")
      .flag("--json", given->json, "one JSON object instead of text")
      .footer(with_exit_codes())
      .runs([given] { return make_token_keys(*given); });
  command made = token.add("new", "Creates a token, and writes it to stdout");
  made.word("FILE", given->file, "the topology");
  made.required_option("--for", given->service, "the service: a node, a gateway or a client")
      .option(
          "--to",
          given->to,
          "writes it to this file, which only its owner can read, instead of stdout")
      .flag("--unbound", given->is_unbound, "for HTTP: not bound to the service's key")
      .flag("--json", given->json, "one JSON object instead of text")
      .footer(with_exit_codes())
      .runs([given] { return make_token(*given); });
  token.add("show", "Shows what a token says, and whether it is valid")
      .word("FILE", given->file, "the topology")
      .optional_word("TOKEN-FILE", given->token_file, "the file of the token [stdin]")
      .flag("--json", given->json, "one JSON object instead of text")
      .footer(with_exit_codes())
      .runs([given] { return show_token(*given); });
}

} // namespace troupe
