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
    return wrong("names no store this release knows");
  }
  const std::string path{store.substr(sqlite_scheme.size())};
  if (path.empty() || path.back() == '/') {
    return wrong("names no file");
  }
  if (path == ":memory:") {
    return wrong("would be lost with its process, and with it what was promised");
  }
  // SQLite reads what follows a question mark as options, which are the runtime's to choose.
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
  // An absolute path stays what it is. Normal form, so that one file has one spelling.
  const auto joined = (std::filesystem::path{folder} / path).lexically_normal();
  return std::string{sqlite_scheme} + joined.string();
}

} // namespace troupe::topology
