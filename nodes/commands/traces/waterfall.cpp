#include "nodes/commands/traces/waterfall.hpp"

#include "nodes/text_table.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <set>

namespace troupe {

namespace {

constexpr std::size_t name_width = 41;
constexpr std::size_t node_width = 8;
constexpr std::int64_t bar_width = 16;
constexpr std::size_t depth_most = 12;

std::string padded(std::string_view text, std::size_t width) {
  std::string made{first_characters(text, width)};
  made.append(width - std::min(width, width_of(made)), ' ');
  return made;
}

/// Lays a trace out.
class drawing {
public:
  explicit drawing(const std::vector<placed_span>& spans) : spans_{spans} {
    std::set<std::uint64_t> known;
    for (const placed_span& each : spans_) {
      known.insert(each.what.id);
      begin_ = std::min(begin_, each.what.start);
      end_ = std::max(end_, each.what.start + each.what.duration);
    }
    for (const placed_span& each : spans_) {
      const bool is_root = each.what.parent == each.what.id || !known.contains(each.what.parent);
      below_[is_root ? 0 : each.what.parent].push_back(&each);
    }
  }

  std::string text() {
    add_below(0, 0);
    for (const placed_span& each : spans_) { // Left over: spans that name each other in a ring.
      if (!drawn_.contains(&each)) {
        add(each, 0);
      }
    }
    return std::move(text_);
  }

private:
  void add_below(std::uint64_t above, std::size_t depth) {
    const auto found = below_.find(above);
    if (found == below_.end()) {
      return;
    }
    for (const placed_span* each : found->second) {
      add(*each, depth);
    }
  }

  void add(const placed_span& span, std::size_t depth) {
    if (!drawn_.insert(&span).second) {
      return;
    }
    const wire::told_span& what = span.what;
    std::string name(2 * std::min(depth, depth_most), ' ');
    name += what.failed ? "! " : "";
    name += cell_text(what.name);
    text_ += fmt::format(
        "{} {} |{}| {:>10}\n",
        padded(name, name_width),
        padded(cell_text(span.node), node_width),
        bar(what),
        span_time_text(what.duration));
    if (const auto why = what.notes.find("error.type"); why != what.notes.end()) {
      const std::string indent(2 * std::min(depth, depth_most) + 4, ' ');
      text_ += indent + cell_text(why->second, 77 - indent.size()) + "\n";
    }
    if (what.id != 0) {
      add_below(what.id, depth + 1);
    }
  }

  std::string bar(const wire::told_span& what) const {
    const std::int64_t all = std::max<std::int64_t>(end_ - begin_, 1);
    const auto column = [&](std::int64_t at) {
      return std::clamp<std::int64_t>(
          static_cast<std::int64_t>(
              static_cast<double>(at - begin_) / static_cast<double>(all) * bar_width),
          0,
          bar_width - 1);
    };
    const auto from = static_cast<std::size_t>(column(what.start));
    const auto to = static_cast<std::size_t>(column(what.start + what.duration));
    std::string made(bar_width, ' ');
    std::fill(
        made.begin() + static_cast<std::ptrdiff_t>(from),
        made.begin() + static_cast<std::ptrdiff_t>(to) + 1,
        what.failed ? '!' : '=');
    return made;
  }

  const std::vector<placed_span>& spans_;
  std::map<std::uint64_t, std::vector<const placed_span*>> below_;
  std::set<const placed_span*> drawn_;
  std::int64_t begin_ = INT64_MAX;
  std::int64_t end_ = INT64_MIN;
  std::string text_;
};

void sort_by_start(std::vector<placed_span>& spans) {
  std::ranges::stable_sort(spans, [](const placed_span& a, const placed_span& b) {
    return a.what.start < b.what.start;
  });
}

} // namespace

std::string span_time_text(std::int64_t nanoseconds) {
  const double micros = static_cast<double>(nanoseconds) / 1e3;
  return micros < 1e3   ? fmt::format("{:.0f} us", micros)
         : micros < 1e6 ? fmt::format("{:.1f} ms", micros / 1e3)
         : micros < 6e7 ? fmt::format("{:.2f} s", micros / 1e6)
                        : age_text(milliseconds{nanoseconds / 1'000'000});
}

std::vector<trace_summary> summaries_of(const std::vector<placed_span>& spans) {
  std::map<uuid, trace_summary> found;
  std::map<uuid, std::int64_t> ends;
  std::set<uuid> roots;
  for (const placed_span& each : spans) {
    const auto [at, is_new] = found.try_emplace(each.what.trace);
    trace_summary& one = at->second;
    const std::int64_t end = each.what.start + each.what.duration;
    // The span of a call's wait at its broker begins before the one above it, so the earliest span
    // need not be the root.
    const bool is_root = each.what.parent == 0 && !roots.contains(each.what.trace);
    const bool is_first = is_new || each.what.start < one.start;
    if (is_root || (is_first && !roots.contains(each.what.trace))) {
      one.trace = each.what.trace;
      one.name = each.what.name;
      one.node = each.node;
    }
    if (is_root) {
      roots.insert(each.what.trace);
    }
    one.start = is_first ? each.what.start : one.start;
    std::int64_t& last = ends[each.what.trace];
    last = is_new ? end : std::max(last, end);
    ++one.spans;
    one.failed += each.what.failed ? 1U : 0U;
  }
  std::vector<trace_summary> all;
  for (auto& [trace, one] : found) {
    one.duration = ends[trace] - one.start;
    all.push_back(std::move(one));
  }
  std::ranges::sort(all, std::ranges::greater{}, &trace_summary::start);
  return all;
}

std::string waterfall(std::vector<placed_span> spans) {
  sort_by_start(spans);
  return drawing{spans}.text();
}

} // namespace troupe
