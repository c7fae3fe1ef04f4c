#include "runtime/wire/events.hpp"

#include "runtime/wire/journal_calls.hpp"
#include "tests/fuzz/messages.hpp"

#include <string>

namespace troupe::fuzz {

namespace {

using namespace wire;

/// A topic is covered by itself, by the pattern of each of its prefixes and by `*`.
void try_topic(std::string_view text) {
  if (!is_topic(text)) {
    return expect(!is_pattern(text) || text == "*" || text.ends_with(".*"));
  }
  expect(is_pattern(text) && matches(text, text) && matches("*", text));
  for (std::size_t dot = text.find('.'); dot != std::string_view::npos;
       dot = text.find('.', dot + 1)) {
    const std::string prefix{text.substr(0, dot)};
    expect(is_pattern(prefix + ".*") && matches(prefix + ".*", text));
    expect(!matches(prefix + ".*", prefix) && !matches(prefix, text));
  }
}

/// What workers, clients and the broker with the journal say to each other.
void try_body(std::string_view bytes) {
  try_topic(bytes);
  try_messages<outbox_state, confirmed, resend, assign, assigned, handled, buried>(bytes);
  try_messages<published, read_events, events_read, get_topics, topics_state>(bytes);
  try_messages<schedule_event, get_dead_letters, letters_found, retry_dead_letter>(bytes);
  try_messages<letters_retried, drop_dead_letter>(bytes);
}

const target registered{"events", try_body};

} // namespace

} // namespace troupe::fuzz
