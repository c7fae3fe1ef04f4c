#include "runtime/observe/told_spans.hpp"

#include "runtime/observe/span_names.hpp"
#include "runtime/wire/spans.hpp"

#include <algorithm>

namespace troupe::observe {

namespace {

constexpr std::uint32_t spans_max = 1'000;

bool is_of(const span& what, const std::string& capability) {
  bool found = false;
  what.for_each_note([&](std::string_view key, std::string_view value) {
    found = found || (key == names::capability && value == capability);
  });
  return found;
}

wire::told_span told(const span& what) {
  wire::told_span made{
      what.trace,
      what.id,
      what.parent,
      std::string{what.name()},
      std::string{name_of(what.kind)},
      what.start,
      what.duration,
      what.has_failed,
      {}};
  what.for_each_note(
      [&](std::string_view key, std::string_view value) { made.notes.emplace(key, value); });
  return made;
}

} // namespace

outcome<std::string> told_spans(
    const span_rings& rings,
    const std::string& node,
    std::string_view question,
    std::size_t bytes_max) {
  const auto asked = wire::checked_decode<wire::get_spans>(question);
  if (!asked) {
    return failure{asked.error()};
  }
  if (asked->count == 0 || asked->count > spans_max) {
    return failure{invalid("`count` is 1 to 1,000")};
  }
  const auto least = static_cast<std::int64_t>(asked->slow_us) * 1'000;
  std::vector<span> found;
  rings.for_each([&](const span_ring& ring) {
    (void)ring.read(0, [&](const span& each) {
      if ((!asked->trace || each.trace == *asked->trace) && each.duration >= least
          && (!asked->capability || is_of(each, *asked->capability))) {
        found.push_back(each);
      }
    });
  });
  const auto is_newer = [](const span& a, const span& b) { return a.start > b.start; };
  std::sort(found.begin(), found.end(), is_newer);
  wire::told_spans answer{node, {}, found.size() > asked->count};
  std::size_t bytes = node.size() + 64;
  for (const span& each : found) {
    // Names of fields, numbers and lengths take up less than this beside the text.
    constexpr std::size_t fixed_bytes = 256;
    bytes += fixed_bytes + each.text_bytes;
    if (answer.spans.size() == asked->count || bytes > bytes_max) {
      answer.is_cut = true;
      break;
    }
    answer.spans.push_back(told(each));
  }
  return wire::encoded(answer);
}

} // namespace troupe::observe
