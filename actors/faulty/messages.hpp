#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>

namespace troupe::faulty {

/// The request and the answer of every operation but `count`.
struct said {
  std::string text;
};

TROUPE_MESSAGE(said, text)

/// `count`.
struct count_texts {};

TROUPE_MESSAGE(count_texts)

struct text_count {
  std::int64_t count = 0;
};

TROUPE_MESSAGE(text_count, count)

struct faulty_options {
  /// The node on which the constructor throws; empty for none.
  std::string broken_on;
};

TROUPE_MESSAGE(faulty_options, broken_on)

} // namespace troupe::faulty
