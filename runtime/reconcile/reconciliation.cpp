#include "runtime/reconcile/reconciliation.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace troupe::reconcile {

namespace {

/// The bit of a field; none for fields beyond a sensible number.
constexpr std::uint64_t bit_of(std::size_t field) {
  return field < 64 ? std::uint64_t{1} << field : 0;
}

/// The rows of one key of one side.
struct group {
  std::string key;
  std::uint64_t count = 0;
  std::int64_t changed = std::numeric_limits<std::int64_t>::min();
  /// Sums of integer fields; for text fields the text of the first row.
  std::vector<field_value> fields;
  /// Bits of the text fields that differ between the rows: these equal nothing.
  std::uint64_t mixed = 0;
};

/// Reads one side page by page, and groups its rows by key.
class side {
public:
  side(
      const source& from,
      const std::vector<std::string>& fields,
      std::string_view behind,
      const fetch_page& fetch,
      std::uint64_t& rows)
      : from_{from}, fields_{fields}, after_{behind}, fetch_{fetch}, rows_{rows} {}

  /// Moves to the next key.
  /// @return false at the end.
  outcome<bool> next();

  const group& now() const { return now_; }

private:
  /// Makes sure that a row is buffered, unless there are no more.
  outcome<bool> fill();

  const source& from_;
  const std::vector<std::string>& fields_;
  std::string after_;
  const fetch_page& fetch_;
  std::uint64_t& rows_;
  std::vector<row> page_;
  std::size_t at_ = 0;
  bool is_over_ = false;
  group now_;
};

outcome<bool> side::fill() {
  if (at_ < page_.size()) {
    return true;
  }
  if (is_over_) {
    return false;
  }
  TROUPE_TRY(const auto reply, fetch_(from_, after_));
  TROUPE_TRY(page_, read_rows(from_, fields_, reply));
  at_ = 0;
  is_over_ = page_.empty();
  const std::string behind = after_;
  for (const row& each : page_) {
    // A page that does not start after the requested key would be requested again without end.
    if (each.key < after_ || (!behind.empty() && each.key == behind)) {
      return failure{invalid(fmt::format(
          "`{}.{}` answers rows out of the order of their keys: {} behind {}",
          from_.capability,
          from_.query,
          key_text(each.key),
          key_text(after_)))};
    }
    after_ = each.key;
  }
  rows_ += page_.size();
  return !is_over_;
}

outcome<bool> side::next() {
  auto any = fill();
  if (!any || !*any) {
    return any;
  }
  now_ = {};
  now_.key = page_[at_].key;
  now_.fields.resize(fields_.size());
  while (any && *any && page_[at_].key == now_.key) {
    const row& each = page_[at_++];
    now_.changed = std::max(now_.changed, each.changed);
    if (each.counts) {
      for (std::size_t i = 0; i < each.fields.size(); ++i) {
        now_.fields[i].number += each.fields[i].number;
        if (now_.count == 0) {
          now_.fields[i].text = each.fields[i].text;
        } else if (now_.fields[i].text != each.fields[i].text) {
          now_.mixed |= bit_of(i);
        }
      }
      ++now_.count;
    }
    any = fill();
  }
  return any ? outcome<bool>{true} : any;
}

/// The text, if a sum consists of one text field; else null.
const std::string* text_in(const std::vector<term>& sum, const group& left, const group& right) {
  if (sum.size() != 1 || sum[0].field < 0) {
    return nullptr;
  }
  const group& of = sum[0].is_left ? left : right;
  const std::string& text = of.fields[static_cast<std::size_t>(sum[0].field)].text;
  return text.empty() ? nullptr : &text;
}

/// Whether a sum contains a field whose texts differ between the rows of its side.
bool is_mixed(const std::vector<term>& sum, const group& left, const group& right) {
  return std::ranges::any_of(sum, [&](const term& each) {
    const group& of = each.is_left ? left : right;
    return each.field >= 0 && (of.mixed & bit_of(static_cast<std::size_t>(each.field))) != 0;
  });
}

std::int64_t sum_of(const std::vector<term>& terms, const group& left, const group& right) {
  std::int64_t sum = 0;
  for (const term& each : terms) {
    const group& of = each.is_left ? left : right;
    const std::int64_t value =
        each.field < 0 ? each.number : of.fields[static_cast<std::size_t>(each.field)].number;
    sum += each.is_negative ? -value : value;
  }
  return sum;
}

class comparer {
public:
  comparer(const invariant& what, std::int64_t begun_at, pass_report& to)
      : what_{what}, settled_{begun_at - what.settle.count()}, to_{to} {
    nothing_left_.fields.resize(what.left_fields.size());
    nothing_right_.fields.resize(what.right_fields.size());
  }

  /// @param left,right the rows of one key; null if there are none.
  void judge(const group* left, const group* right);

private:
  void add(const std::string& key, finding_type type, std::string details);
  void compare(const group& left, const group& right);

  const invariant& what_;
  std::int64_t settled_;
  pass_report& to_;
  group nothing_left_;
  group nothing_right_;
};

void comparer::add(const std::string& key, finding_type type, std::string details) {
  if (to_.findings.size() == findings_max) {
    ++to_.more;
  } else {
    to_.findings.push_back({key, type, std::move(details)});
  }
}

void comparer::judge(const group* left, const group* right) {
  const std::string& key = left != nullptr ? left->key : right->key;
  to_.compared_to = key;
  if ((left != nullptr && left->changed > settled_)
      || (right != nullptr && right->changed > settled_)) {
    ++to_.in_flight;
    if (to_.young.size() < findings_max) {
      to_.young.push_back(key);
    }
    return;
  }
  ++to_.judged;
  const bool has_left = left != nullptr && left->count != 0;
  const bool has_right = right != nullptr && right->count != 0;
  const bool must_match_left = what_.matched == match::left || what_.matched == match::both;
  const bool must_match_right = what_.matched == match::right || what_.matched == match::both;
  if (has_left && !has_right && must_match_left) {
    return add(
        key, finding_type::missing_right, fmt::format("`{}` has none", what_.right.capability));
  }
  if (has_right && !has_left && must_match_right) {
    return add(
        key, finding_type::missing_left, fmt::format("`{}` has none", what_.left.capability));
  }
  if (what_.is_left_unique && has_left && left->count > 1) {
    return add(
        key, finding_type::twice, fmt::format("`{}` has {}", what_.left.capability, left->count));
  }
  if (what_.is_right_unique && has_right && right->count > 1) {
    return add(
        key, finding_type::twice, fmt::format("`{}` has {}", what_.right.capability, right->count));
  }
  if (has_left && has_right) {
    compare(*left, *right);
  }
}

void comparer::compare(const group& left, const group& right) {
  for (const comparison& each : what_.equal) {
    if (is_mixed(each.one, left, right) || is_mixed(each.other, left, right)) {
      add(left.key,
          finding_type::differs,
          fmt::format("{}: the rows of one side differ", each.text));
      return;
    }
    const std::string* const one = text_in(each.one, left, right);
    const std::string* const other = text_in(each.other, left, right);
    if (one != nullptr || other != nullptr) {
      if (one == nullptr || other == nullptr || *one != *other) {
        add(left.key, finding_type::differs, each.text);
        return;
      }
      continue;
    }
    const std::int64_t first = sum_of(each.one, left, right);
    const std::int64_t second = sum_of(each.other, left, right);
    if (first != second) {
      add(left.key, finding_type::differs, fmt::format("{}: {} and {}", each.text, first, second));
      return;
    }
  }
}

} // namespace

outcome<void> reconcile(
    const invariant& what,
    std::int64_t begun_at,
    std::string_view behind,
    const fetch_page& fetch,
    pass_report& told,
    const pass_bounds& bounds) {
  side left{what.left, what.left_fields, behind, fetch, told.left_rows};
  side right{what.right, what.right_fields, behind, fetch, told.right_rows};
  comparer compared{what, begun_at, told};
  auto has_left = left.next();
  auto has_right = right.next();
  while (has_left && has_right && (*has_left || *has_right)) {
    const bool is_left = *has_left && (!*has_right || left.now().key <= right.now().key);
    const bool is_right = *has_right && (!*has_left || right.now().key <= left.now().key);
    const bool is_beyond =
        !bounds.until.empty() && (is_left ? left : right).now().key > bounds.until;
    if (is_beyond || told.findings.size() >= bounds.findings_max
        || told.young.size() >= bounds.young_max) {
      told.is_cut = true;
      if (is_beyond) {
        told.compared_to = bounds.until;
      }
      return {};
    }
    compared.judge(is_left ? &left.now() : nullptr, is_right ? &right.now() : nullptr);
    if (is_left) {
      has_left = left.next();
    }
    if (is_right) {
      has_right = right.next();
    }
  }
  if (!has_left || !has_right) {
    return failure{!has_left ? has_left.error() : has_right.error()};
  }
  return {};
}

std::vector<finding>
confirmed(const std::vector<finding>& before, const std::vector<finding>& later) {
  std::set<std::pair<std::string, finding_type>> known;
  for (const finding& each : before) {
    known.emplace(each.key, each.type);
  }
  std::vector<finding> both;
  for (const finding& each : later) {
    if (known.contains({each.key, each.type})) {
      both.push_back(each);
    }
  }
  return both;
}

} // namespace troupe::reconcile
