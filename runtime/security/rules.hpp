#pragma once

#include "runtime/error.hpp"
#include "runtime/security/grants.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>
#include <vector>

namespace troupe::security {

/// A holder of rights: a node, a gateway or a client, by the name that its key proves.
struct holder {
  std::string name;
  grants may{};
  /// The names under `security.allow` whose rights it has; for a node, its capabilities. A missing
  /// right is to be added under one of them.
  std::vector<std::string> rules{};
};

/// The rules of who may do what, as a table: a name is looked up once, at login, and is a row from
/// then on. Pure and immutable; safe from any thread.
class rules {
public:
  /// A row of the table. For the same holders in the same order it is the same in each table.
  enum class row : std::uint32_t {};

  /// The row of names without a rule.
  static constexpr row stranger{0};

  /// The name for the rights of peers that prove no name.
  static constexpr std::string_view anonymous = "anonymous";

  /// @param holders each name once; other names may do nothing.
  /// @param capabilities whose events come from outboxes, each once.
  rules(const std::vector<holder>& holders, const std::vector<holder>& capabilities);

  /// @param name as proved by a key; empty: without one, which is `anonymous`.
  row row_of(std::string_view name) const;

  /// The name for `source` in messages of the row's holder. Empty for a stranger.
  std::string_view name_of(row who) const { return rows_[index(who)].name; }

  std::size_t size() const { return rows_.size(); }

  /// The cost does not grow with the number of rules: one look-up of the capability, and one among
  /// its operations that rules name singly.
  bool may_call(row who, std::string_view capability, std::string_view operation) const;

  bool may_publish(row who, std::string_view topic) const {
    return rows_[index(who)].may.may_publish(topic);
  }

  bool may_read(row who, std::string_view pattern) const {
    return rows_[index(who)].may.may_read(pattern);
  }

  /// Whether an event of this topic may come from the outbox of a capability.
  bool may_relay(std::string_view capability, std::string_view topic) const;

  /// The error for a holder without the right, with the rule that would allow it: `forbidden`, or
  /// `unauthenticated` if no name was proved. Nothing happened.
  ///
  /// @param name as given to `row_of`. @param target an operation with its capability, or a topic.
  error refusal(row who, std::string_view name, act what, std::string_view target) const;

  /// The place where such a right would be written: "g1.call", "orders.call or users.call".
  std::string rule_of(row who, std::string_view name, act what) const;

private:
  struct entry {
    std::string name;
    grants may;
    std::vector<std::string> rules;
    /// The right to all capabilities.
    bool calls_all = false;
    /// The operations of capabilities, by number.
    std::vector<std::uint64_t> calls;

    bool has(std::uint32_t bit) const {
      return bit / 64 < calls.size() && (calls[bit / 64] >> (bit % 64) & 1U) != 0;
    }
  };

  /// A plain hash, since names are never added to these tables after they were made.
  struct text_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  using index_of_name = tsl::robin_map<std::string, std::uint32_t, text_hash, std::equal_to<>>;

  struct callee {
    /// The bit that says that all of its operations are allowed.
    std::uint32_t all = 0;
    /// The bits of operations that rules name singly.
    index_of_name singles;
  };

  static std::size_t index(row who) { return static_cast<std::size_t>(who); }

  void add(const holder& from);
  void add_call(entry& to, const std::string& right);
  std::uint32_t bit_of(const std::string& capability, std::string_view operation);

  std::vector<entry> rows_;
  index_of_name row_named_;
  std::vector<grants> capabilities_;
  index_of_name capability_named_;
  std::vector<callee> callees_;
  index_of_name callee_named_;
  std::uint32_t bits_ = 0;
};

} // namespace troupe::security
