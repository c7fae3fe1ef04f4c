#include "runtime/wire/compatibility.hpp"

#include "runtime/wire/events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <utility>

namespace troupe::wire {

namespace {

/// Which of the two versions sends a body, and which one reads it.
enum class direction : std::uint8_t {
  /// Programs written for the version before send, the present one reads.
  request,
  /// The present version sends, programs written for the one before read.
  reply,
};

using types = std::vector<message_schema>;

std::string text_of(const value_schema& type) {
  std::string text;
  for (const form each : type.within) {
    text += fmt::format("{} of ", word_of(each));
  }
  return text + type.message.value_or(std::string{word_of(type.is)});
}

const field_schema* find_field(const message_schema& in, std::string_view name) {
  const auto found = std::find_if(
      in.fields.begin(), in.fields.end(), [&](const auto& each) { return each.name == name; });
  return found == in.fields.end() ? nullptr : &*found;
}

/// Whether whoever reads a `to` can read every integer, word or other simple value of `from`.
bool is_within(const value_schema& from, const value_schema& to) {
  if (to.is == form::any) {
    return true;
  }
  const auto sent = range_of(from.is);
  const auto read = range_of(to.is);
  if (sent && read) {
    return sent->least >= read->least && sent->most <= read->most;
  }
  if (from.is == form::words && to.is == form::words) {
    return std::all_of(from.words.begin(), from.words.end(), [&](const std::string& word) {
      return std::find(to.words.begin(), to.words.end(), word) != to.words.end();
    });
  }
  return from.is == to.is || (from.is == form::words && to.is == form::text);
}

/// Compares the types of one body in both versions.
class body_comparison {
public:
  body_comparison(
      direction way, const types& before, const types& now, std::vector<std::string>& found)
      : way_{way}, before_{before}, now_{now}, found_{found} {}

  /// @param owner begins each sentence: "the request of `create`".
  void compare(
      const std::string& owner,
      const std::optional<std::string>& before,
      const std::optional<std::string>& now) {
    owner_ = owner;
    seen_.clear();
    if (before && now) {
      messages(*before, *now, "");
    } else if (before && way_ == direction::reply) {
      found_.push_back(fmt::format("{} has no known type any more", owner));
    } else if (now && way_ == direction::request) {
      found_.push_back(fmt::format("{} must be a `{}` now", owner, *now));
    }
  }

private:
  void messages(const std::string& before, const std::string& now, const std::string& path) {
    const message_schema* const old_type = find_schema(before_, before);
    const message_schema* const new_type = find_schema(now_, now);
    // Types that contain themselves come here again.
    if (old_type == nullptr || new_type == nullptr || !seen_.emplace(before, now).second) {
      return;
    }
    for (const field_schema& each : old_type->fields) {
      const std::string at = path + each.name;
      if (const field_schema* same = find_field(*new_type, each.name)) {
        fields(each, *same, at);
      } else {
        found_.push_back(fmt::format("{} has lost the field `{}`", owner_, at));
      }
    }
    for (const field_schema& each : new_type->fields) {
      if (way_ == direction::request && !each.optional
          && find_field(*old_type, each.name) == nullptr) {
        found_.push_back(fmt::format(
            "{} wants the new field `{}{}`; make it optional", owner_, path, each.name));
      }
    }
  }

  void fields(const field_schema& before, const field_schema& now, const std::string& at) {
    const bool is_request = way_ == direction::request;
    if (is_request && before.optional && !now.optional) {
      found_.push_back(fmt::format("{}: `{}` was optional and is wanted now", owner_, at));
    } else if (!is_request && !before.optional && now.optional) {
      found_.push_back(fmt::format("{}: `{}` was always there and may be absent now", owner_, at));
    }
    if (before.type.within == now.type.within && before.type.message && now.type.message) {
      std::string inner = at;
      for (const form each : now.type.within) {
        inner += each == form::list ? "[]" : "{}";
      }
      return messages(*before.type.message, *now.type.message, inner + ".");
    }
    const value_schema& sent = is_request ? before.type : now.type;
    const value_schema& read = is_request ? now.type : before.type;
    const bool takes_all = read.is == form::any && read.within.empty();
    if (!takes_all && (sent.within != read.within || !is_within(sent, read))) {
      found_.push_back(
          before.type.is == form::words && now.type.is == form::words
              ? fmt::format(
                  "{}: the words of `{}` were {} and are {}",
                  owner_,
                  at,
                  fmt::join(before.type.words, ", "),
                  fmt::join(now.type.words, ", "))
              : fmt::format(
                  "{}: `{}` was {} and is {}",
                  owner_,
                  at,
                  text_of(before.type),
                  text_of(now.type)));
    }
  }

  direction way_;
  const types& before_;
  const types& now_;
  std::vector<std::string>& found_;
  std::string owner_;
  std::set<std::pair<std::string, std::string>> seen_;
};

/// Whether every topic that `inner` means is meant by `outer`.
bool covers(std::string_view outer, std::string_view inner) {
  return outer == inner || matches(outer, inner);
}

void compare_topics(
    std::string_view what,
    const std::vector<topic_description>& before,
    const std::vector<topic_description>& now,
    body_comparison& bodies,
    std::vector<std::string>& found) {
  for (const topic_description& each : before) {
    const auto same = std::find_if(now.begin(), now.end(), [&](const topic_description& other) {
      return covers(other.pattern, each.pattern);
    });
    if (same == now.end()) {
      found.push_back(fmt::format("`{}` is {} no more", each.pattern, what));
    } else {
      bodies.compare(fmt::format("the event `{}`", each.pattern), each.event, same->event);
    }
  }
}

} // namespace

std::vector<std::string>
breaking_changes(const actor_description& before, const actor_description& now) {
  std::vector<std::string> found;
  body_comparison requests{direction::request, before.types, now.types, found};
  body_comparison replies{direction::reply, before.types, now.types, found};
  for (const operation_description& each : before.operations) {
    const operation_description* const same = now.find(each.name);
    if (same == nullptr) {
      found.push_back(fmt::format("the operation `{}` is gone", each.name));
      continue;
    }
    if (each.kind == operation_kind::query && same->kind != operation_kind::query) {
      found.push_back(fmt::format(
          "`{}` was a query and is a {}: callers repeat queries as they like",
          each.name,
          word_of(same->kind)));
    }
    requests.compare(fmt::format("the request of `{}`", each.name), each.request, same->request);
    replies.compare(fmt::format("the reply of `{}`", each.name), each.reply, same->reply);
  }
  compare_topics("handled", before.handles, now.handles, requests, found);
  compare_topics("published", before.publishes, now.publishes, replies, found);
  return found;
}

} // namespace troupe::wire
