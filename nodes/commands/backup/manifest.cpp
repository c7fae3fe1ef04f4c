#include "nodes/commands/backup/manifest.hpp"

#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace troupe {

namespace {

using nlohmann::ordered_json;

constexpr int format_version = 1;

ordered_json json_of(const saved_file& one) {
  ordered_json json = {
      {"file", one.file},
      {"owner", one.owner},
      {"bytes", one.bytes},
      {"sha256", one.sha256},
      {"instance", to_string(one.instance)}};
  if (one.owner == backup_manifest::journal_owner) {
    json["last"] = one.last;
    json["generation"] = one.generation;
    return json;
  }
  json["outbox_newest"] = one.outbox_newest;
  json["outbox_confirmed"] = one.outbox_confirmed;
  json["handled"] = one.handled;
  json["epoch"] = one.epoch;
  json["unfinished"] = {
      {"sagas", one.sagas},
      {"effects", one.effects},
      {"timers", one.timers},
      {"postponed", one.postponed}};
  return json;
}

saved_file file_in(const ordered_json& json) {
  saved_file one;
  one.file = json.at("file");
  one.owner = json.at("owner");
  one.bytes = json.at("bytes");
  one.sha256 = json.at("sha256");
  one.instance = parse_uuid(json.at("instance").get<std::string>()).value_or(uuid{});
  one.last = json.value("last", std::uint64_t{0});
  one.generation = json.value("generation", std::uint64_t{0});
  one.outbox_newest = json.value("outbox_newest", std::uint64_t{0});
  one.outbox_confirmed = json.value("outbox_confirmed", std::uint64_t{0});
  one.handled = json.value("handled", std::uint64_t{0});
  one.epoch = json.value("epoch", std::uint64_t{0});
  const ordered_json unfinished = json.value("unfinished", ordered_json::object());
  one.sagas = unfinished.value("sagas", std::uint64_t{0});
  one.effects = unfinished.value("effects", std::uint64_t{0});
  one.timers = unfinished.value("timers", std::uint64_t{0});
  one.postponed = unfinished.value("postponed", std::uint64_t{0});
  return one;
}

} // namespace

const saved_file* backup_manifest::find(const std::string& owner) const {
  const auto found = std::ranges::find(files, owner, &saved_file::owner);
  return found == files.end() ? nullptr : &*found;
}

std::string text_of(const backup_manifest& manifest) {
  ordered_json json = {
      {"troupe_backup", format_version},
      {"system", manifest.system},
      {"taken_at", utc_time_text(milliseconds{manifest.taken_at})},
      {"files", ordered_json::array()},
      {"missing", manifest.missing},
      {"lost", manifest.lost}};
  for (const saved_file& each : manifest.files) {
    json["files"].push_back(json_of(each));
  }
  return json.dump(2) + '\n';
}

outcome<backup_manifest> manifest_in(const std::string& text) {
  try {
    const auto json = ordered_json::parse(text);
    if (const int version = json.at("troupe_backup"); version != format_version) {
      return failure{invalid(fmt::format(
          "it is a backup of format {}, and this program knows {}", version, format_version))};
    }
    backup_manifest manifest;
    manifest.system = json.at("system");
    const auto taken_at = parse_utc_time(json.at("taken_at").get<std::string>());
    if (!taken_at) {
      return failure{invalid("it does not say when it was taken")};
    }
    manifest.taken_at = unix_millis(*taken_at);
    for (const auto& each : json.at("files")) {
      saved_file one = file_in(each);
      if (manifest.find(one.owner) != nullptr) {
        return failure{invalid(fmt::format("it has two databases of `{}`", one.owner))};
      }
      manifest.files.push_back(std::move(one));
      // A name, not a path: it must not lead out of the folder.
      if (manifest.files.back().file.find('/') != std::string::npos) {
        return failure{
            invalid(fmt::format("`{}` is no name of a file", manifest.files.back().file))};
      }
    }
    if (manifest.files.empty()) {
      return failure{invalid("it is the manifest of no file")};
    }
    manifest.missing = json.value("missing", std::vector<std::string>{});
    manifest.lost = json.value("lost", std::vector<std::string>{});
    return manifest;
  } catch (const nlohmann::json::exception& fault) {
    return failure{invalid(fmt::format("it is no manifest of a backup: {}", fault.what()))};
  }
}

} // namespace troupe
