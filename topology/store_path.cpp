#include "topology/store_path.hpp"

#include <filesystem>

namespace troupe::topology {

namespace {

constexpr std::string_view sqlite_scheme = "sqlite:";
constexpr std::string_view placeholder = "{capability}";
constexpr std::string_view example =
    "write sqlite:data/{capability}.db, a file per capability, or none";

std::string without_placeholders(std::string text) {
  for (std::size_t at = text.find(placeholder); at != std::string::npos;
       at = text.find(placeholder, at)) {
    text.erase(at, placeholder.size());
  }
  return text;
}

} // namespace

std::optional<fault> check_store(std::string_view store) {
  const auto wrong = [](std::string what, std::string_view remedy = example) {
    return fault{{}, std::move(what), std::string{remedy}};
  };
  if (store == "none") {
    return std::nullopt;
  }
  if (store.substr(0, 11) == "postgresql:" || store.substr(0, 9) == "postgres:") {
    return wrong("asks for PostgreSQL, which is not in this release");
  }
  if (store.substr(0, sqlite_scheme.size()) != sqlite_scheme) {
    return wrong("names no kind of store that this release knows");
  }
  const std::string path{store.substr(sqlite_scheme.size())};
  if (path.empty() || path.back() == '/') {
    return wrong("names no file");
  }
  if (path == ":memory:") {
    return wrong("would lose its data, and every promise, with its process");
  }
  // SQLite reads the text behind a question mark as options, which the runtime chooses.
  if (path.find('?') != std::string::npos) {
    return wrong("has a `?` in its path", "remove the `?`: the options are fixed");
  }
  if (without_placeholders(path).find_first_of("{}") != std::string::npos) {
    return wrong("has braces that are not {capability}", "only {capability} is filled in");
  }
  return std::nullopt;
}

std::optional<std::string>
store_for(std::string_view store, const capability_name& capability, const std::string& folder) {
  if (store == "none") {
    return std::nullopt;
  }
  std::string path{store.substr(sqlite_scheme.size())};
  for (std::size_t at = path.find(placeholder); at != std::string::npos;
       at = path.find(placeholder, at + capability.value.size())) {
    path.replace(at, placeholder.size(), capability.value);
  }
  // Joined to an absolute path, the folder has no effect. Normal form gives one file one spelling.
  const auto joined = (std::filesystem::path{folder} / path).lexically_normal();
  return std::string{sqlite_scheme} + joined.string();
}

} // namespace troupe::topology
