#include "runtime/wire/description.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "runtime/wire/node_calls.hpp"
#include "runtime/wire/spans.hpp"
#include "runtime/wire/status.hpp"
#include "runtime/wire/timer_calls.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>
#include <string_view>

using namespace troupe;
using namespace troupe::wire;
namespace utf = boost::unit_test;

// A command of this release asks brokers and nodes of the one before, whose answers lack the fields
// that are new: a field that is added to an answer is optional (or a counter of the broker), and is
// not added here.

namespace {

using entries = std::map<std::string, raw_value>;

/// The message with no other fields than those in `names`, which spaces separate.
std::string cut_down(const std::string& encoded, std::string_view names) {
  entries all;
  decode_fault fault;
  reader from{encoded};
  BOOST_REQUIRE(detail::decode(from, all, fault));
  const std::string padded = " " + std::string{names} + " ";
  std::erase_if(all, [&](const auto& each) {
    return padded.find(" " + each.first + " ") == std::string::npos;
  });
  std::string bytes;
  writer to{bytes};
  detail::encode(to, all);
  return bytes;
}

template <message Answer>
void check_that_enough(std::string_view names) {
  const auto read = checked_decode<Answer>(cut_down(encoded(Answer{}), names));
  BOOST_TEST(read.has_value(), (read ? "" : read.error().message) << " beside " << names);
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_earlier_answers, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(an_answer_without_the_fields_that_are_new_is_read) {
  check_that_enough<placement_status>(
      "capability credit outstanding replicas inbox breaker shut forced");
  check_that_enough<known_node>("name live");
  check_that_enough<known_capability>("name queued outstanding awaiting waiting_for_workers");
  check_that_enough<recent_event>("name ago_ms fields");
  check_that_enough<known_gateway>("name live");
  check_that_enough<broker_status>(
      "broker incarnation uptime_ms draining calls_held nodes capabilities counters events");
  check_that_enough<replica_failure>("ms_ago reason");
  check_that_enough<replica_status>("name state generation failures");
  check_that_enough<group_status>(
      "capability store breaker forced_by forced_why forced_since credit in_hand answered failed "
      "repeats turns effects takeovers events_credit events_in_hand events events_ignored "
      "events_postponed event_repeats events_of_others relayed outbox_confirmed outbox_depth "
      "outbox_trouble down_reason replicas");
  check_that_enough<node_status>("node incarnation pid calls_of_sagas groups");
  check_that_enough<published>("position repeat");
  check_that_enough<read_event>("position id topic key source time traceparent body");
  check_that_enough<events_read>("events next last");
  check_that_enough<topic_state>("topic events bytes first last oldest_at rate_per_s");
  check_that_enough<group_state>(
      "capability patterns lag waiting in_flight retrying dead cursor nodes");
  check_that_enough<topics_state>("journal last topics groups");
  check_that_enough<event_scheduled>("id");
  check_that_enough<letter>("id capability position event_id topic key cause attempts first_at "
                            "last_at node replica error traceparent");
  check_that_enough<letters_found>("letters");
  check_that_enough<letters_kept>("to topic letters");
  check_that_enough<letters_retried>("retried");
  check_that_enough<letter_dropped>("dropped");
  check_that_enough<breaker_order>("mode who why request since");
  check_that_enough<breaker_report>("capability node state durable");
  check_that_enough<standing_saga>("id operation state step code reason maybe_done failures since");
  check_that_enough<standing_sagas>("capability node sagas");
  check_that_enough<saga_resumed>("id node");
  check_that_enough<saga_ordered>("id node");
  check_that_enough<saga_record>("seq at what step round attempt epoch note body body_bytes");
  check_that_enough<saga_history>("capability node id operation state step owner epoch deadline "
                                  "earlier_steps unread effects records next");
  check_that_enough<unsettled_effect>("key call effect state attempts reason since");
  check_that_enough<unsettled_effects>("capability node effects");
  check_that_enough<effects_tried>("tried");
  check_that_enough<waiting_event>("id due_at topic key body_bytes");
  check_that_enough<scheduled_found>("events");
  check_that_enough<scheduled_cancelled>("id topic due_at");
  check_that_enough<letters_dropped>("dropped");
  check_that_enough<timers_found>("capability node events");
  check_that_enough<told_span>("trace id parent name kind start duration failed notes");
  check_that_enough<told_spans>("node spans is_cut");
  check_that_enough<operation_description>("name kind");
  check_that_enough<topic_description>("pattern");
  check_that_enough<actor_description>("actor operations handles publishes types");
  check_that_enough<capability_description>("capability subscribes type");
  check_that_enough<node_description>("node capabilities");
}

BOOST_AUTO_TEST_CASE(counters_that_a_broker_does_not_have_are_0) {
  broker_status told;
  told.broker = "b1";
  told.counters.calls = 7;
  told.counters.forbidden = 9;
  entries all;
  decode_fault fault;
  const std::string whole = encoded(told);
  reader from{whole};
  BOOST_REQUIRE(detail::decode(from, all, fault));
  std::string& counters = all.at("counters").bytes;
  counters = cut_down(counters, "calls attached delivered");
  std::string bytes;
  writer to{bytes};
  detail::encode(to, all);

  const auto read = checked_decode<broker_status>(bytes);

  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->counters.calls == 7U);
  BOOST_TEST(read->counters.forbidden == 0U);
}

BOOST_AUTO_TEST_CASE(a_counter_that_is_no_number_is_refused) {
  entries all;
  decode_fault fault;
  const std::string whole = encoded(broker_status{});
  reader from{whole};
  BOOST_REQUIRE(detail::decode(from, all, fault));
  all.at("counters").bytes = "\x81\xa5"
                             "calls\xc3";
  std::string bytes;
  writer to{bytes};
  detail::encode(to, all);
  BOOST_TEST(!checked_decode<broker_status>(bytes).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
