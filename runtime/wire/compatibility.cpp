#include "runtime/wire/compatibility.hpp"

#include "runtime/contains.hpp"
#include "runtime/wire/events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <utility>

namespace troupe::wire {

namespace {

/// The direction of a body, and so which of the two versions sends it.
enum class direction : std::uint8_t {
  /// Programs written for the earlier version send, the current version reads.
  request,
  /// The current version sends, programs written for the earlier version read.
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
  const auto found =
      std::ranges::find_if(in.fields, [&](const auto& each) { return each.name == name; });
  return found == in.fields.end() ? nullptr : &*found;
}

/// Whether a reader of `to` can read every integer, word or other simple value of `from`.
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
    return std::ranges::all_of(
        from.words, [&](const std::string& word) { return contains(to.words, word); });
  }
  return from.is == to.is || (from.is == form::words && to.is == form::text);
}

/// Whether a reader of `to` can read every `from`, apart from the fields of messages.
bool takes(const value_schema& from, const value_schema& to) {
  const bool takes_all = to.is == form::any && to.within.empty();
  return takes_all || (from.within == to.within && is_within(from, to));
}

/// Whether both are messages inside the same lists and maps, so that their fields must be compared.
bool are_messages(const value_schema& one, const value_schema& other) {
  return one.within == other.within && one.message && other.message;
}

/// The path from a field to the contents of its lists and maps: "lines" becomes "lines[].".
std::string inner_path(std::string path, const value_schema& type) {
  for (const form each : type.within) {
    path += each == form::list ? "[]" : "{}";
  }
  return path + ".";
}

/// Compares a body as one program sends it with the body that another program reads.
class fitting {
public:
  fitting(const types& sent, const types& read) : sent_{sent}, read_{read} {}

  void messages(std::string_view sent, std::string_view read, const std::string& path) {
    const message_schema* const from = find_schema(sent_, sent);
    const message_schema* const to = find_schema(read_, read);
    // Recursive types come here again.
    if (from == nullptr || to == nullptr || !seen_.emplace(sent, read).second) {
      return;
    }
    for (const field_schema& wanted : to->fields) {
      const std::string at = path + wanted.name;
      const field_schema* const given = find_field(*from, wanted.name);
      if (given == nullptr) {
        if (!wanted.optional) {
          found_.push_back(fmt::format("the field `{}` is missing", at));
        }
        continue;
      }
      if (given->optional && !wanted.optional) {
        found_.push_back(fmt::format("the field `{}` may be absent", at));
      }
      if (are_messages(given->type, wanted.type)) {
        messages(*given->type.message, *wanted.type.message, inner_path(at, wanted.type));
      } else if (!takes(given->type, wanted.type)) {
        found_.push_back(
            fmt::format("`{}` is {} and not {}", at, kind_of(given->type), kind_of(wanted.type)));
      }
    }
  }

  std::vector<std::string> take() { return std::move(found_); }

private:
  static std::string kind_of(const value_schema& type) {
    return type.is == form::words ? fmt::format("one of {}", fmt::join(type.words, ", "))
                                  : text_of(type);
  }

  const types& sent_;
  const types& read_;
  std::vector<std::string> found_;
  std::set<std::pair<std::string, std::string>> seen_;
};

/// Compares the types of one body in both versions.
class body_comparison {
public:
  body_comparison(
      direction way, const types& before, const types& now, std::vector<std::string>& found)
      : way_{way}, before_{before}, now_{now}, found_{found} {}

  /// @param owner the subject of each sentence: "the request of `create`".
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
    // Recursive types come here again.
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
    if (are_messages(before.type, now.type)) {
      return messages(*before.type.message, *now.type.message, inner_path(at, now.type));
    }
    if (is_request ? !takes(before.type, now.type) : !takes(now.type, before.type)) {
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

/// Whether `outer` covers every topic that `inner` covers.
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
    const auto same = std::ranges::find_if(
        now, [&](const topic_description& other) { return covers(other.pattern, each.pattern); });
    if (same == now.end()) {
      found.push_back(fmt::format("`{}` is {} no more", each.pattern, what));
    } else {
      bodies.compare(fmt::format("the event `{}`", each.pattern), each.event, same->event);
    }
  }
}

} // namespace

std::vector<std::string> misfits(
    const types& sent_types,
    std::string_view sent,
    const types& read_types,
    std::string_view read) {
  fitting compared{sent_types, read_types};
  compared.messages(sent, read, "");
  return compared.take();
}

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
