#include "topology/read.hpp"

#include "runtime/text_file.hpp"
#include "topology/access_checks.hpp"
#include "topology/capability_checks.hpp"
#include "topology/checks.hpp"
#include "topology/events.hpp"
#include "topology/gateway_checks.hpp"
#include "topology/gateways.hpp"
#include "topology/host.hpp"
#include "topology/plan_digest.hpp"
#include "topology/policies.hpp"
#include "topology/security.hpp"
#include "topology/store_path.hpp"
#include "topology/strangler.hpp"
#include "topology/yaml.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <tuple>
#include <unistd.h>
#include <utility>

namespace troupe::topology {

namespace {

using kind = config_tree::kind;

// Far more than one file should describe. These limits keep sums over a plan within 64 bits.
constexpr std::size_t brokers_max = 16;
constexpr std::size_t nodes_max = 256;
constexpr std::size_t gateways_max = 64;
constexpr std::size_t capabilities_max = 4'096;
constexpr std::size_t features_max = 256;

// One file per capability.
constexpr std::string_view default_store = "sqlite:data/{capability}.db";

/// Reads the tree into a draft. Faults are collected in `found`, and reading continues.
class draft_reader {
public:
  draft_reader(const config_tree& root, std::vector<fault>& found)
      : found_{found}, reader_{root, "the topology", found} {
    draft_.root = &root;
  }

  draft read(const std::string& folder) {
    draft_.result.folder = folder;
    read_head();
    read_links_and_limits();
    if (const config_tree* section = reader_.tree("security")) {
      draft_.result.security = read_security(*section, folder, found_);
    }
    read_brokers();
    read_nodes();
    read_events(reader_, draft_.result, found_);
    read_defaults();
    read_capabilities();
    read_features();
    read_gateways();
    read_traces(reader_, draft_.result.traces, found_);
    reader_.finish();
    return std::move(draft_);
  }

private:
  void read_head() {
    reader_.require("troupe", "start the file with `troupe: 1`, the version of its format");
    if (const auto version = reader_.text("troupe"); version && *version != "1") {
      reader_.add_fault("troupe", "is `" + *version + "`", "write 1: this release reads version 1");
    }
    reader_.require("name", "name the system, as in `name: shop`");
    if (const auto name = reader_.text("name")) {
      if (const std::string wrong = check_name(*name); !wrong.empty()) {
        reader_.add_fault("name", "is `" + *name + "`, which " + wrong, std::string{name_remedy});
      }
      draft_.result.name = *name;
    }
    if (const auto store = reader_.text("store")) {
      store_ = read_store(reader_, *store).value_or(store_);
    }
  }

  void read_links_and_limits() {
    plan& result = draft_.result;
    if (const config_tree* section = reader_.tree("heartbeat")) {
      config_reader reader{*section, "heartbeat", found_};
      auto& heartbeat = result.heartbeat;
      const auto interval = plan::heartbeat_interval_range;
      const auto timeout = plan::heartbeat_timeout_range;
      heartbeat.interval =
          reader.duration("interval", interval.least, interval.most).value_or(heartbeat.interval);
      heartbeat.timeout =
          reader.duration("timeout", timeout.least, timeout.most).value_or(heartbeat.timeout);
      reader.finish();
    }
    if (const config_tree* section = reader_.tree("limits")) {
      const std::size_t faults_before = found_.size();
      config_reader reader{*section, "limits", found_};
      const auto body = plan::body_bytes_range;
      const auto memory = plan::memory_range;
      result.body_bytes_max =
          reader.size("body", body.least, body.most).value_or(result.body_bytes_max);
      result.memory_max =
          reader.size("memory", memory.least, memory.most).value_or(result.memory_max);
      reader.finish();
      draft_.sizes_are_read = found_.size() == faults_before;
    }
  }

  /// Calls `take` for each entry with a valid name in the map under `key`.
  template <class Take>
  void
  for_each_named(std::string_view key, std::string_view what, std::size_t most, const Take& take) {
    const config_tree* section = reader_.tree(key);
    if (section == nullptr) {
      return;
    }
    if (section->is != kind::map || section->entries.empty()) {
      reader_.add_fault(
          key,
          fmt::format(
              "{}has no {} in it", section->is == kind::list ? "is a list, and " : "", what),
          fmt::format("add a {}: `NAME: {{...}}`", what));
      return;
    }
    if (section->entries.size() > most) {
      reader_.add_fault(
          key,
          fmt::format("has {} entries", section->entries.size()),
          fmt::format("stay below {}, or split the system into several topologies", most + 1));
      return;
    }
    for (const config_tree::entry& entry : section->entries) {
      if (is_named_well(entry, what)) {
        take(entry);
      }
    }
  }

  bool is_named_well(const config_tree::entry& entry, std::string_view what) {
    if (what == "capability" && (entry.key == "troupe" || entry.key.rfind("troupe.", 0) == 0)) {
      found_.push_back(
          {entry.at,
           fmt::format(
               "the capability name `{}` is kept for what the broker itself answers", entry.key),
           "choose another name"});
      return false;
    }
    if (const std::string wrong = check_name(entry.key); !wrong.empty()) {
      found_.push_back(
          {entry.at, fmt::format("the {} name `{}` {}", what, entry.key, wrong), name_remedy});
      return false;
    }
    return true;
  }

  void require_map(std::string_view key, std::string_view what) {
    reader_.require(key, fmt::format("add `{}`, a map with a name for each {}", key, what));
  }

  void read_brokers() {
    require_map("brokers", "broker");
    for_each_named("brokers", "broker", brokers_max, [&](const config_tree::entry& entry) {
      config_reader reader{entry.value, fmt::format("broker `{}`", entry.key), found_};
      reader.require("listen", "say where it listens, as in `listen: \"tcp://127.0.0.1:5550\"`");
      draft_.result.brokers.push_back(
          {.name = entry.key,
           .listen = reader.text("listen").value_or(""),
           .open = reader.text("open").value_or(""),
           .host = read_host(reader),
           .admin = reader.text("admin").value_or(""),
           .at = entry.at});
      reader.finish();
    });
  }

  void read_nodes() {
    require_map("nodes", "node");
    for_each_named("nodes", "node", nodes_max, [&](const config_tree::entry& entry) {
      config_reader reader{entry.value, fmt::format("node `{}`", entry.key), found_};
      std::string host = read_host(reader);
      draft_.result.nodes.push_back(
          {.name = node_name{entry.key},
           .host = host,
           .admin = reader.text("admin").value_or(""),
           .at = entry.at});
      reader.finish();
    });
  }

  void read_defaults() {
    if (const config_tree* section = reader_.tree("defaults")) {
      config_reader reader{*section, "defaults", found_};
      const bool is_read = read_policies(reader, "defaults", defaults_, found_);
      draft_.sizes_are_read = draft_.sizes_are_read && is_read;
      reader.finish();
    }
  }

  void read_features() {
    for_each_named("strangler", "feature", features_max, [&](const config_tree::entry& entry) {
      read_feature(entry, draft_.result, found_);
    });
  }

  void read_gateways() {
    for_each_named("gateways", "gateway", gateways_max, [&](const config_tree::entry& entry) {
      read_gateway(entry, draft_.result, found_);
    });
  }

  void read_capabilities() {
    require_map("capabilities", "capability");
    for_each_named(
        "capabilities", "capability", capabilities_max, [&](const config_tree::entry& entry) {
          read_capability(entry);
        });
  }

  void read_capability(const config_tree::entry& entry) {
    const std::string owner = fmt::format("capability `{}`", entry.key);
    config_reader reader{entry.value, owner, found_};
    capability_plan capability;
    capability.name = capability_name{entry.key};
    capability.at = entry.at;
    capability.actor = reader.text("actor").value_or(entry.key);
    const bool nodes_are_read = read_placement(reader, capability);
    std::string store = store_;
    if (const auto own = reader.text("store")) {
      store = read_store(reader, *own).value_or(store);
    }
    capability.store = store_for(store, capability.name, draft_.result.folder);
    static_cast<policies&>(capability) = defaults_;
    const bool is_read = read_policies(reader, owner, capability, found_);
    draft_.sizes_are_read = draft_.sizes_are_read && is_read;
    const config_tree* config = reader.tree("config");
    // If `config` is missing, an actor's faults about it are reported at the capability.
    capability.config = config == nullptr ? config_tree{.at = entry.at} : *config;
    read_subscriptions(reader, owner, capability, found_);
    reader.finish();
    draft_.result.capabilities.push_back(std::move(capability));
    draft_.sections.push_back(&entry.value);
    draft_.nodes_are_read.push_back(nodes_are_read);
  }

  /// @return whether the nodes could be read; if not, checks that depend on them are skipped.
  bool read_placement(config_reader& reader, capability_plan& into) {
    const std::size_t faults_before = found_.size();
    if (reader.tree("nodes") == nullptr) {
      for (const node_plan& node : draft_.result.nodes) {
        into.nodes.push_back(node.name);
      }
    } else if (const auto names = reader.texts("nodes")) {
      for (const std::string& name : *names) {
        read_place(reader, node_name{name}, into);
      }
    }
    const bool nodes_are_read = found_.size() == faults_before && !draft_.result.nodes.empty();
    const auto range = capability_plan::replicas_range;
    const auto replicas = reader.integer("replicas", range.least, range.most);
    into.replicas = static_cast<int>(
        replicas.value_or(static_cast<std::int64_t>(std::max<std::size_t>(into.nodes.size(), 1))));
    return nodes_are_read;
  }

  void read_place(config_reader& reader, const node_name& name, capability_plan& into) {
    if (into.runs_on(name)) {
      reader.add_fault(
          "nodes", "names `" + name.value + "` twice", "name each node once; set `replicas`");
      return;
    }
    // If no node could be read, every name would be reported as unknown, so skip the look-up.
    if (draft_.result.nodes.empty()) {
      return;
    }
    if (draft_.result.find(name) == nullptr) {
      std::vector<std::string> known;
      for (const node_plan& node : draft_.result.nodes) {
        known.push_back(node.name.value);
      }
      reader.add_fault(
          "nodes",
          "names the unknown node `" + name.value + "`",
          remedy_for_unknown(
              name.value, known, fmt::format("the nodes are {}", fmt::join(known, ", "))));
      return;
    }
    into.nodes.push_back(name);
  }

  static std::optional<std::string> read_store(config_reader& reader, const std::string& store) {
    if (auto wrong = check_store(store)) {
      reader.add_fault("store", told_of_store(store, wrong->what), wrong->remedy);
      return std::nullopt;
    }
    return store;
  }

  static constexpr const char* name_remedy =
      "start with a letter a-z and go on with a-z, 0-9 and _, 64 characters at most";

  std::vector<fault>& found_;
  config_reader reader_;
  draft draft_;
  policies defaults_;
  std::string store_{default_store};
};

/// Sorts faults by position, and removes duplicates: several capabilities report the same fault of
/// the defaults.
void put_in_order(std::vector<fault>& found) {
  const auto place = [](const fault& each) { return std::tie(each.at.line, each.at.column); };
  std::ranges::stable_sort(found, {}, place);
  const auto same = [](const fault& a, const fault& b) {
    return a.at == b.at && a.what == b.what && a.remedy == b.remedy;
  };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
}

faults only(const std::string& file, fault reason) {
  return {.file = file, .all = {std::move(reason)}};
}

faults unreadable(const std::string& file, const std::string& why) {
  return only(file, {{}, "the file cannot be read: " + why, "check the path and its permissions"});
}

} // namespace

std::variant<plan, faults>
read(std::string_view text, const std::string& file, const std::vector<actor_type>& types) {
  yaml_document document = parse_yaml(text);
  std::vector<fault> found = std::move(document.faults);
  if (!document.complete) {
    put_in_order(found);
    return faults{file, std::move(found)};
  }
  if (document.tree.is != kind::map) {
    const bool is_empty = document.tree.is == kind::null;
    return only(
        file,
        {document.tree.at,
         is_empty ? "the file is empty" : "the file is not a map",
         "start with `troupe: 1`, then name, brokers, nodes and capabilities"});
  }
  const std::string folder = std::filesystem::path{file}.parent_path().string();
  draft drafted = draft_reader{document.tree, found}.read(folder);
  check_whole(drafted, found);
  check_capabilities(drafted, types, found);
  check_gateways(drafted, types, found);
  check_features(drafted, found);
  check_traces(document.tree, drafted.result, found);
  check_access(drafted, types, found);
  if (!found.empty()) {
    put_in_order(found);
    return faults{file, std::move(found)};
  }
  plan result = std::move(drafted.result);
  result.file = file;
  result.digest = digest_of_plan(result);
  result.text_digest = digest_of(std::as_bytes(std::span{text.data(), text.size()}));
  return result;
}

std::variant<std::string, faults> read_text(const std::string& file) {
  auto text = read_text_file(file, yaml_bytes_max);
  if (!text) {
    return unreadable(file, text.error().message);
  }
  return *std::move(text);
}

std::variant<plan, faults>
read_open(int descriptor, const std::string& file, const std::vector<actor_type>& types) {
  std::string text(yaml_bytes_max + 1, '\0');
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  if (size < 0) {
    return unreadable(file, std::generic_category().message(errno));
  }
  text.resize(static_cast<std::size_t>(size));
  return read(text, file, types);
}

std::variant<plan, faults>
read_file(const std::string& file, const std::vector<actor_type>& types) {
  auto text = read_text(file);
  if (auto* const found = std::get_if<faults>(&text)) {
    return std::move(*found);
  }
  return read(std::get<std::string>(text), file, types);
}

} // namespace troupe::topology
