#include "runtime/observe/told_spans.hpp"

#include "runtime/observe/span_names.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace troupe::observe {

namespace {

constexpr std::uint32_t spans_max = 1'000;

bool is_of(const span& what, std::string_view capability) {
  bool found = false;
  what.for_each_note([&](std::string_view key, std::string_view value) {
    found = found || (key == names::capability && value == capability);
  });
  return found;
}

bool is_of(const wire::told_span& what, std::string_view capability) {
  const auto of = what.notes.find(std::string{names::capability});
  return of != what.notes.end() && of->second == capability;
}

/// Whether a span matches the question; checked before it is copied.
template <class any_span>
bool fits(const any_span& what, const wire::get_spans& asked) {
  return (!asked.trace || what.trace == *asked.trace)
         && static_cast<std::uint64_t>(std::max<std::int64_t>(what.duration, 0)) / 1'000
                >= asked.slow_us
         && (!asked.capability || is_of(what, *asked.capability));
}

std::size_t bytes_of(const wire::told_span& what) {
  // An upper bound for field names, numbers and lengths, in addition to the text.
  std::size_t bytes = 256 + what.name.size() + what.of.value_or("").size();
  for (const auto& [key, value] : what.notes) {
    bytes += 4 + key.size() + value.size(); // Including both lengths.
  }
  return bytes;
}

} // namespace

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
      {},
      std::nullopt};
  what.for_each_note(
      [&](std::string_view key, std::string_view value) { made.notes.emplace(key, value); });
  return made;
}

outcome<std::string> told_spans(
    const span_rings& rings,
    const std::string& node,
    std::string_view question,
    std::size_t bytes_max,
    const kept_spans* kept) {
  TROUPE_TRY(const auto asked, wire::checked_decode<wire::get_spans>(question));
  if (asked.count == 0 || asked.count > spans_max) {
    return failure{invalid("`count` is 1 to 1,000")};
  }
  std::vector<wire::told_span> found;
  rings.for_each([&](const span_ring& ring) {
    (void)ring.read(0, [&](const span& each) {
      if (fits(each, asked)) {
        found.push_back(told(each));
      }
    });
  });
  if (kept != nullptr) {
    std::ranges::copy_if(kept->all(), std::back_inserter(found), [&](const wire::told_span& each) {
      return fits(each, asked);
    });
  }
  const auto is_newer = [](const auto& a, const auto& b) { return a.start > b.start; };
  std::ranges::sort(found, is_newer);
  const bool has_gap = kept != nullptr && kept->has_gap();
  wire::told_spans answer{node, {}, found.size() > asked.count || has_gap};
  std::size_t bytes = node.size() + 64;
  for (wire::told_span& each : found) {
    bytes += bytes_of(each);
    if (answer.spans.size() == asked.count || bytes > bytes_max) {
      answer.is_cut = true;
      break;
    }
    answer.spans.push_back(std::move(each));
  }
  return wire::encoded(answer);
}

} // namespace troupe::observe
