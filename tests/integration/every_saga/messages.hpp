#pragma once

#include "runtime/wire/operation.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::test {

/// The input of every saga here.
struct wish {
  /// The name that the marks of the saga, and of what it runs, carry.
  std::string label;
  /// The step that is refused; empty for none.
  std::string refuse{};
  /// Whether the step with a condition is done.
  bool extra = false;
};

TROUPE_MESSAGE(wish, label, refuse, extra)

struct fulfilled {
  std::string label;
};

TROUPE_MESSAGE(fulfilled, label)

/// `make`: a step's effect. Refused: `unwanted` if `is_refused`; `cancelled` behind its `unmake`.
struct mark {
  uuid saga;
  std::string label;
  std::string step;
  bool is_refused = false;
};

TROUPE_MESSAGE(mark, saga, label, step, is_refused)

/// `unmake`: undoes `make`.
struct unmark {
  uuid saga;
  std::string label;
  std::string step;
};

TROUPE_MESSAGE(unmark, saga, label, step)

struct marked {
  std::string step;
};

TROUPE_MESSAGE(marked, step)

/// `all`: every step of the sagas behind `after`, however few were asked for, as somebody writes it
/// who forgets `count`.
struct list_marks {
  std::optional<uuid> after{};
  std::int64_t count = 0;
};

TROUPE_MESSAGE(list_marks, after, count)

struct listed_mark {
  uuid saga;
  std::string label;
  std::string step;
  std::int64_t made = 0;
};

TROUPE_MESSAGE(listed_mark, saga, label, step, made)

struct mark_list {
  std::vector<listed_mark> marks;
};

TROUPE_MESSAGE(mark_list, marks)

/// What is said to a saga that waits: `sagas.say` and `sagas.hush`, or an event of `word.said`.
struct word {
  uuid saga;
  bool yes = false;
};

TROUPE_MESSAGE(word, saga, yes)

} // namespace troupe::test
