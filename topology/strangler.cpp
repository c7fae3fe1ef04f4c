#include "topology/strangler.hpp"

#include "runtime/contains.hpp"
#include "topology/endpoint.hpp"

#include <cmath>
#include <fmt/format.h>
#include <utility>

namespace troupe::topology {

namespace {

constexpr std::size_t entries_max = 256;

/// Takes the value of `parsed`, or reports why it has none.
template <class Value>
void take(config_reader& reader, std::string_view key, outcome<Value> parsed, Value& to) {
  if (parsed) {
    to = std::move(*parsed);
    return;
  }
  // "`ftp://old` is no http URL; write ..."
  const std::string& why = parsed.error().message;
  const std::size_t end = why.find("; ");
  reader.add_fault(
      key,
      fmt::format("({})", why.substr(0, end)),
      end == std::string::npos ? "see topology/README.md" : why.substr(end + 2));
}

bool is_field_name(std::string_view name) {
  return http::is_token(name) && name == http::lower_case(name);
}

/// @source RFC 6901, 3.
bool is_pointer(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1'))) {
      return false;
    }
  }
  return text.starts_with('/');
}

/// Reads the texts under `key`, each of which must satisfy `is_good`.
template <class Check>
std::vector<std::string>
read_texts(config_reader& reader, std::string_view key, const Check& is_good, const char* remedy) {
  auto texts = reader.texts(key).value_or(std::vector<std::string>{});
  if (texts.size() > entries_max) {
    reader.add_fault(
        key,
        fmt::format("has {} entries", texts.size()),
        fmt::format("stay below {}", entries_max + 1));
  }
  for (const std::string& each : texts) {
    if (!is_good(each)) {
      reader.add_fault(key, fmt::format("has `{}`", each), remedy);
    }
  }
  return texts;
}

strangler::compare_options
read_compare(const config_tree& section, const std::string& who, std::vector<fault>& found) {
  using options = strangler::compare_options;
  config_reader reader{section, "compare of " + who, found};
  options made;
  made.sample = reader.number("sample", options::sample_range.least, options::sample_range.most)
                    .value_or(made.sample);
  made.in_flight = static_cast<std::uint32_t>(
      reader.integer("in_flight", options::in_flight_range.least, options::in_flight_range.most)
          .value_or(made.in_flight));
  made.rules.ignored =
      read_texts(reader, "ignore", is_pointer, "write JSON pointers, such as /items/*/etag");
  made.rules.fields = read_texts(
      reader,
      "fields",
      is_field_name,
      "write names of fields in lower case, such as cache-control");
  reader.finish();
  return made;
}

void read_legacy_options(config_reader& reader, strangler::legacy_options& into) {
  using options = strangler::legacy_options;
  into.deadline =
      reader.duration("deadline", options::deadline_range.least, options::deadline_range.most)
          .value_or(into.deadline);
  const auto count = [&](std::string_view key, range<std::uint32_t> of, std::uint32_t& to) {
    to = static_cast<std::uint32_t>(reader.integer(key, of.least, of.most).value_or(to));
  };
  count("connections", options::connections_range, into.connections);
  count("queue", options::waiting_range, into.waiting);
  into.answer_bytes_max =
      reader.size("answer", options::answer_bytes_range.least, options::answer_bytes_range.most)
          .value_or(into.answer_bytes_max);
}

const strangler_plan* check_known(
    const plan& whole,
    const std::string& feature,
    const std::string& who,
    file_position at,
    std::vector<fault>& found) {
  const strangler_plan* const known = whole.find_feature(feature);
  if (known == nullptr) {
    std::vector<std::string> names;
    for (const strangler_plan& each : whole.features) {
      names.push_back(each.feature.name);
    }
    found.push_back(
        {at,
         fmt::format("{} names the unknown feature `{}`", who, feature),
         names.empty() ? "add it to `strangler`"
                       : fmt::format("the features are {}", fmt::join(names, ", "))});
  }
  return known;
}

void check_route(
    const plan& whole,
    const route_plan& route,
    const std::string& feature,
    std::vector<fault>& found) {
  if (feature.empty()) {
    return;
  }
  const std::string who =
      fmt::format("route `{} {}`", http::name_of(route.key.method), route.key.path.text());
  const strangler_plan* const known =
      check_known(whole, feature, fmt::format("`strangler` of {}", who), route.at, found);
  if (known == nullptr) {
    return;
  }
  const auto wanted = known->feature.by.path_variable();
  const auto names = route.key.path.names();
  if (wanted && !contains(names, *wanted)) {
    found.push_back(
        {route.at,
         fmt::format(
             "{} has no variable `{}`, by which `{}` tells users apart: all would stay with the "
             "legacy system",
             who,
             *wanted,
             feature),
         "name the variable so, or tell users apart by a header or cookie"});
  }
}

/// Checks that no legacy system is the gateway itself, since requests would circle until their
/// deadline.
void check_no_loop(const plan& whole, const gateway_plan& gateway, std::vector<fault>& found) {
  for (const strangler_plan& each : whole.features) {
    const auto legacy = read_http_endpoint(each.feature.legacy.origin);
    const auto* const where = std::get_if<http_endpoint>(&legacy);
    if (where != nullptr && where->where == gateway.address) {
      found.push_back(
          {each.at,
           fmt::format(
               "the legacy system of `{}` is gateway `{}` itself", each.feature.name, gateway.name),
           "give the legacy system an address of its own"});
    }
  }
}

} // namespace

void read_feature(const config_tree::entry& entry, plan& into, std::vector<fault>& found) {
  const std::string who = fmt::format("strangler `{}`", entry.key);
  config_reader reader{entry.value, who, found};
  strangler_plan made{.feature = {.name = entry.key}, .at = entry.at};
  strangler::feature_options& feature = made.feature;
  reader.require(
      "legacy", "say where the legacy system answers, as in `legacy: \"http://127.0.0.1:3002\"`");
  if (const auto legacy = reader.text("legacy")) {
    take(reader, "legacy", strangler::base_url::parse(*legacy), feature.legacy);
  }
  read_legacy_options(reader, feature.how);
  if (const auto percent = reader.number("percent", 0, 100)) {
    feature.share = static_cast<std::uint32_t>(std::lround(*percent * 100));
  }
  reader.require(
      "by",
      "say what keeps a user on one side, as in `by: \"{cookie.session}\"` or \"{header.x-user}\"");
  if (const auto by = reader.text("by")) {
    take(reader, "by", strangler::request_key::parse(*by), feature.by);
  }
  if (const auto field = reader.text("override")) {
    feature.override_field = *field;
    if (!is_field_name(*field)) {
      reader.add_fault(
          "override", fmt::format("is `{}`", *field), "name a field in lower case, such as x-side");
    }
  }
  if (const config_tree* section = reader.tree("compare")) {
    feature.compare = read_compare(*section, who, found);
  }
  reader.finish();
  into.features.push_back(std::move(made));
}

void check_features(const draft& checked, std::vector<fault>& found) {
  const plan& whole = checked.result;
  for (const gateway_plan& gateway : whole.gateways) {
    const std::string who = fmt::format("gateway `{}`", gateway.name);
    const config_tree* const section = checked.find("gateways", gateway.name);
    if (!gateway.otherwise.empty()) {
      check_known(
          whole,
          gateway.otherwise,
          fmt::format("`otherwise` of {}", who),
          position_of({section->find("otherwise")}, gateway.at),
          found);
    }
    for (const route_plan& route : gateway.routes) {
      if (const auto* call = std::get_if<call_route_plan>(&route.does)) {
        check_route(whole, route, call->feature, found);
      }
    }
    check_no_loop(whole, gateway, found);
  }
}

} // namespace troupe::topology
