#pragma once

#include "runtime/reconcile/reconciliation.hpp"
#include "runtime/wire/message.hpp"
#include "topology/yaml.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace troupe::reconcile::test {

struct entry {
  std::int64_t order = 0;
  std::string state;
  std::string currency;
  std::int64_t amount = 0;
  std::int64_t back = 0;
  std::int64_t changed_at = 0;
};

TROUPE_MESSAGE(entry, order, state, currency, amount, back, changed_at)

struct entries {
  std::vector<entry> rows;
};

TROUPE_MESSAGE(entries, rows)

struct page {
  std::int64_t count = 0;
  std::optional<std::int64_t> after{};
};

TROUPE_MESSAGE(page, count, after)

/// The tables of a shop's capabilities, and the queries that list them.
struct books {
  std::map<std::string, std::vector<entry>> tables;
  /// Pages that were asked for.
  int pages = 0;
  /// Called before each page.
  std::function<void()> meanwhile{};
  std::uint32_t count = 7;

  fetch_page fetch() {
    return [this](const source& from, std::string_view after) -> outcome<std::string> {
      if (meanwhile) {
        meanwhile();
      }
      ++pages;
      TROUPE_TRY(const auto asked, wire::checked_decode<page>(page_request(after, count)));
      const auto found = tables.find(from.capability);
      if (found == tables.end()) {
        return failure{error{.code = errc::unavailable, .message = "nobody serves it"}};
      }
      std::vector<entry>& rows = found->second;
      std::ranges::stable_sort(rows, {}, &entry::order);
      entries said;
      for (const entry& each : rows) {
        const bool is_behind = !asked.after || each.order > *asked.after;
        const bool is_more = !said.rows.empty() && said.rows.back().order == each.order;
        if (is_behind && (is_more || said.rows.size() < static_cast<std::size_t>(asked.count))) {
          said.rows.push_back(each);
        }
      }
      return wire::encoded(said);
    };
  }
};

inline std::vector<invariant> read(std::string_view text, std::vector<fault>& faults) {
  const topology::yaml_document file = topology::parse_yaml(text);
  faults = file.faults;
  return read_invariants(file.tree, faults);
}

} // namespace troupe::reconcile::test
