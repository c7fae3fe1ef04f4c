#include "topology/traces.hpp"

#include "runtime/contains.hpp"
#include "topology/endpoint.hpp"
#include "topology/faults.hpp"
#include "topology/plan.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::topology {

namespace {

constexpr std::size_t address_bytes_max = 2'048;

/// Whether `authority` ends with a port that does not exist.
bool has_wrong_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  return colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos
         && !read_port(authority.substr(colon + 1));
}

/// Whether `text` is the HTTP address of a service, with a host and without blanks.
bool is_http_address(std::string_view text) {
  const std::size_t host = text.starts_with("http://")    ? 7
                           : text.starts_with("https://") ? 8
                                                          : std::string_view::npos;
  return host < text.size() && text[host] != '/' && text[host] != ':'
         && text.size() <= address_bytes_max
         && !has_wrong_port(text.substr(host, text.find_first_of("/?", host) - host))
         && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

} // namespace

bool traces_plan::is_always(std::string_view capability) const {
  return contains(always, capability);
}

void read_traces(config_reader& reader, traces_plan& into, std::vector<fault>& found) {
  const config_tree* const section = reader.tree("traces");
  if (section == nullptr) {
    return;
  }
  config_reader own{*section, "traces", found};
  if (const auto address = own.text("otlp")) {
    if (!is_http_address(*address)) {
      own.add_fault(
          "otlp",
          fmt::format("is `{}`, which is no address over HTTP", *address),
          "name the collector, as in `otlp: \"http://127.0.0.1:4318/v1/traces\"`");
    }
    into.otlp = *address;
  }
  into.sample = own.number("sample", 0, 1).value_or(0);
  into.always = own.texts("always").value_or(std::vector<std::string>{});
  own.finish();
}

void check_traces(const config_tree& root, const plan& checked, std::vector<fault>& found) {
  for (const std::string& each : checked.traces.always) {
    if (checked.find(capability_name{each}) != nullptr) {
      continue;
    }
    std::vector<std::string> known;
    for (const capability_plan& capability : checked.capabilities) {
      known.push_back(capability.name.value);
    }
    const config_tree* const section = root.find("traces");
    found.push_back(
        {section == nullptr ? file_position{} : section->at,
         fmt::format("`always` of traces names the unknown capability `{}`", each),
         remedy_for_unknown(each, known, "name capabilities of this topology")});
  }
}

} // namespace troupe::topology
