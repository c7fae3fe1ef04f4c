#include "nodes/commands/contract/contract.hpp"

#include "nodes/commands/contract/contract_files.hpp"
#include "nodes/commands/contract/hooks.hpp"
#include "nodes/commands/contract/http_client.hpp"
#include "nodes/commands/contract/verification.hpp"
#include "nodes/text_table.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <variant>

namespace troupe {

namespace {

struct verify_arguments {
  std::vector<std::string> files;
  std::string topology;
  provider_addresses provider;
  bool json = false;
};

constexpr std::size_t line_width = 80;

/// Wraps `text` at 80 columns; the first line follows `first`, the others are indented to the same
/// column. Longer words stay whole.
std::string wrapped(const std::string& first, std::string_view text) {
  std::string all = first;
  std::size_t column = first.size();
  bool is_first = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (!is_first && column + 1 + word.size() > line_width) {
      all += "\n" + std::string(first.size(), ' ');
      column = first.size();
    } else if (!is_first) {
      all += ' ';
      ++column;
    }
    all += word;
    column += word.size();
    is_first = false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all + "\n";
}

std::string text_of(const verdict_on_interaction& made) {
  const std::string_view word = made.holds() ? "ok" : made.is_pending ? "pending" : "FAILED";
  std::string text =
      wrapped(fmt::format("  {:<8}", word), cell_text(made.title, std::string::npos));
  for (const contract::difference& each : made.found) {
    text +=
        wrapped(std::string(12, ' '), cell_text(each.where + ": " + each.what, std::string::npos));
  }
  if (made.trouble) {
    text += wrapped(std::string(12, ' '), cell_text(made.trouble->message, std::string::npos));
  }
  return text;
}

std::string json_of(const contract::pact& of, const verdict_on_interaction& made) {
  std::vector<wire::json_object> found;
  for (const contract::difference& each : made.found) {
    found.emplace_back().add("where", each.where).add("what", each.what);
  }
  wire::json_object line;
  line.add("consumer", of.consumer)
      .add("provider", of.provider)
      .add("interaction", made.title)
      .add("holds", made.holds())
      .add("pending", made.is_pending)
      .add("differences", found);
  if (made.trouble) {
    line.add("error", made.trouble->message);
  }
  return line.text() + "\n";
}

/// The option that is missing to verify `of`, as a sentence; empty if none is.
std::string missing_for(const contract::pact& of, const verify_arguments& given) {
  for (const contract::interaction& each : of.interactions) {
    if (std::holds_alternative<contract::http_exchange>(each.what)) {
      if (given.provider.url.empty()) {
        return fmt::format("`{}` is HTTP: give the provider's address with --url", title_of(each));
      }
    } else if (given.topology.empty() && given.provider.messages.empty()) {
      return fmt::format(
          "`{}` is a message: name its provider with --topology or --messages", title_of(each));
    }
    if (!each.states.empty() && given.provider.states.empty()) {
      return fmt::format("`{}` has states: tell how to set them up with --states", title_of(each));
    }
  }
  return "";
}

int print_unusable(const std::string& what, bool json) {
  return print_wrong_usage("contract verify", what, json);
}

/// Verifies one contract.
/// @return the number of interactions that fail.
std::size_t
verify_all(const contract::pact& of, const verify_arguments& given, topology_messages* system) {
  if (!given.json) {
    fmt::print("{} -> {}\n", of.consumer, of.provider);
  }
  std::size_t failed = 0;
  for (const contract::interaction& each : of.interactions) {
    const auto made = verify(each, given.provider, system);
    failed += made.holds() || made.is_pending ? 0 : 1;
    fmt::print("{}", given.json ? json_of(of, made) : text_of(made));
    written_out(exit_code::ok); // Flush now, since the next one may take long.
  }
  if (!given.json) {
    fmt::print("  failed: {} of {}\n", failed, of.interactions.size());
  }
  return failed;
}

int run(const verify_arguments& given) {
  const auto all = read_contracts(given.files);
  if (!all) {
    return print_unusable(all.error().message, given.json);
  }
  for (const contract::pact& each : *all) {
    if (const std::string what = missing_for(each, given); !what.empty()) {
      return print_unusable(what, given.json);
    }
  }
  std::optional<topology_messages> system;
  if (!given.topology.empty()) {
    connect_arguments to;
    to.file = given.topology;
    to.deadline = given.provider.deadline;
    to.json = given.json;
    auto over = connection::open("contract", to, needs::journal);
    if (!over) {
      return exit_code::usage;
    }
    system.emplace(*std::move(over));
  }
  std::size_t failed = 0;
  for (const contract::pact& each : *all) {
    failed += verify_all(each, given, system ? &*system : nullptr);
  }
  return failed == 0 ? exit_code::ok : exit_code::faults;
}

std::string check_url(const std::string& word) {
  return is_http_url(word) ? "" : fmt::format("`{}`: write http://HOST:PORT", word);
}

} // namespace

void add_contract(command_line& line) {
  command contract = line.add("contract", "Consumer-driven contracts");
  const auto given = std::make_shared<verify_arguments>();
  contract.add("verify", "Checks a provider against contracts")
      .words("FILE...", given->files, "Pact files of version 4")
      .option("--url", given->provider.url, "the base URL of the provider", check_url)
      .option("--topology", given->topology, "the running system that provides calls and events")
      .option(
          "--messages",
          given->provider.messages,
          "a URL that answers a description with the message, instead of --topology",
          check_url)
      .option(
          "--states",
          given->provider.states,
          "sets a state up: a URL, or a command that is run with `setup STATE`")
      .option("--deadline", given->provider.deadline, "of each question [5s]")
      .flag("--json", given->json, "JSON, an object a line")
      .excludes("--topology", "--messages")
      .footer("Exit codes: 0 the contracts hold, 1 they do not, 2 wrong usage or no contract.")
      .runs([given] { return run(*given); });
  add_contract_hooks(contract);
}

} // namespace troupe
