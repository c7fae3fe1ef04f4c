#include "runtime/ids.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>
#include <vector>

namespace utf = boost::unit_test;

namespace {

using namespace std::chrono_literals;
using troupe::uuid;
using troupe::wall_time;

constexpr wall_time birth{std::chrono::milliseconds{1'700'000'000'123}};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

uuid parsed(std::string_view text) {
  const auto id = troupe::parse_uuid(text);
  BOOST_REQUIRE(id.has_value());
  return *id;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_ids, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_new_id_says_its_version_variant_and_time_of_birth) {
  troupe::uuid_source source{7};

  const uuid id = source.next(birth);

  BOOST_TEST(id.version() == 7);
  BOOST_TEST((std::to_integer<int>(id.bytes[8]) >> 6) == 2);
  BOOST_TEST((id.born() == birth));
}

BOOST_AUTO_TEST_CASE(ids_of_one_source_rise_within_a_millisecond_and_beyond) {
  troupe::uuid_source source{7};
  std::vector<uuid> ids;

  // More than 2^14, so that the count carries from each byte it spans to the next.
  for (int i = 0; i < 40'000; ++i) {
    ids.push_back(source.next(birth + std::chrono::milliseconds{i / 20'000}));
  }

  BOOST_TEST(std::ranges::is_sorted(ids));
  BOOST_TEST((std::ranges::adjacent_find(ids) == ids.end()));
}

BOOST_AUTO_TEST_CASE(ids_go_on_rising_when_the_clock_steps_back) {
  troupe::uuid_source source{7};
  const uuid before = source.next(birth);

  const uuid after = source.next(birth - 1h);

  BOOST_TEST((after > before));
  BOOST_TEST((after.born() == birth));
}

// A clock that was days ahead for a moment must not leave the ids in the future.
BOOST_AUTO_TEST_CASE(ids_follow_a_clock_that_is_put_back_by_more_than_an_hour_and_stay_unique) {
  troupe::uuid_source source{7};
  const uuid early = source.next(birth);
  const uuid ahead = source.next(birth + 72h);

  const uuid right = source.next(birth);

  BOOST_TEST((ahead.born() == birth + 72h));
  BOOST_TEST((right.born() == birth));
  BOOST_TEST((right > early));
}

// 48 bits of milliseconds reach beyond what a wall_time can hold: the sum must not wrap to "now".
BOOST_AUTO_TEST_CASE(an_id_of_a_later_millennium_says_so) {
  const auto wraps = std::chrono::milliseconds{1'700'000'000'123 + 18'446'744'073'709};
  uuid id = troupe::uuid_source{7}.next(birth);
  for (std::size_t i = 0; i < 6; ++i) {
    id.bytes[i] = static_cast<std::byte>(wraps.count() >> (40 - 8 * i));
  }

  BOOST_TEST((id.birth() == wraps));
  BOOST_TEST((id.born() > birth + std::chrono::hours{24 * 365 * 200}));
}

// The count of a source has 26 bits. It starts over after 67,108,864 ids.
BOOST_AUTO_TEST_CASE(ids_go_on_rising_when_the_count_starts_over_in_a_later_millisecond) {
  const uuid first = troupe::uuid_source{7}.next(birth);
  troupe::uuid_source source{7, (1U << 26U) - 2U};
  const uuid last = source.next(birth);

  const uuid wrapped = source.next(birth + 1ms);

  BOOST_TEST((first < last));
  BOOST_TEST((last < wrapped));
  BOOST_TEST(wrapped.version() == 7);
  BOOST_TEST((std::to_integer<int>(wrapped.bytes[8]) >> 6) == 2);
}

BOOST_AUTO_TEST_CASE(the_same_seed_and_times_give_the_same_ids) {
  troupe::uuid_source one{7};
  troupe::uuid_source same{7};
  troupe::uuid_source other{8};
  const uuid id = one.next(birth);

  BOOST_TEST((same.next(birth) == id));
  BOOST_TEST((other.next(birth) != id));
}

BOOST_AUTO_TEST_CASE(sources_seeded_by_the_system_differ) {
  troupe::uuid_source one;
  troupe::uuid_source other;

  BOOST_TEST((one.next(birth) != other.next(birth)));
}

BOOST_AUTO_TEST_CASE(an_id_survives_being_written_and_read) {
  troupe::uuid_source source{7};
  const uuid id = source.next(birth);
  const std::string text = troupe::to_string(id);

  BOOST_TEST(text.size() == 36U);
  BOOST_TEST(text.substr(0, 15) == "018bcfe5-687b-7");
  BOOST_TEST((parsed(text) == id));
  BOOST_TEST((troupe::uuid_from(id.view()) == id));
}

BOOST_AUTO_TEST_CASE(either_case_is_read_and_lower_case_written) {
  const uuid id = parsed("018BCFE5-687B-7000-8000-00000000ABCD");

  BOOST_TEST(troupe::to_string(id) == "018bcfe5-687b-7000-8000-00000000abcd");
}

BOOST_AUTO_TEST_CASE(what_is_no_id_is_not_read) {
  const std::string good = "018bcfe5-687b-7000-8000-00000000abcd";

  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    BOOST_TEST(!troupe::parse_uuid(std::string_view{good}.substr(0, cut)).has_value());
  }
  BOOST_TEST(!troupe::parse_uuid(good + "0").has_value());
  BOOST_TEST(!troupe::parse_uuid("018bcfe50687b-7000-8000-00000000abcd").has_value());
  BOOST_TEST(!troupe::parse_uuid("018bcfe5-687b-7000-8000-00000000abcg").has_value());
  BOOST_TEST(!troupe::parse_uuid("018bcfe5-687b-7000-8000-0000000-abcd").has_value());
  BOOST_TEST(!troupe::uuid_from(bytes_of("fifteen bytes..")).has_value());
  BOOST_TEST(!troupe::uuid_from(bytes_of("seventeen bytes..")).has_value());
}

// The golden values: a saga resumed by another release must make the same ids.
BOOST_AUTO_TEST_CASE(derived_ids_and_digests_never_change) {
  const uuid from = parsed("018bcfe5-687b-7000-8000-00000000abcd");

  BOOST_TEST(
      troupe::to_string(troupe::derived_id(from, "charge/do/1"))
      == "018bcfe5-687b-84c2-9503-0d6f5ec2fadd");
  BOOST_TEST(troupe::digest_of({}) == 0x2d06800538d394c2ULL);
  BOOST_TEST(troupe::digest_of(bytes_of("troupe")) == 0xec21d174febec525ULL);
}

BOOST_AUTO_TEST_CASE(a_derived_id_keeps_the_birth_and_differs_by_label_and_origin) {
  troupe::uuid_source source{7};
  const uuid from = source.next(birth);
  const uuid other = source.next(birth);

  const uuid derived = troupe::derived_id(from, "charge/do/1");

  BOOST_TEST(derived.version() == 8);
  BOOST_TEST((std::to_integer<int>(derived.bytes[8]) >> 6) == 2);
  BOOST_TEST((derived.born() == birth));
  BOOST_TEST((derived == troupe::derived_id(from, "charge/do/1")));
  BOOST_TEST((derived != troupe::derived_id(from, "charge/undo/1")));
  BOOST_TEST((derived != troupe::derived_id(other, "charge/do/1")));
}

BOOST_AUTO_TEST_CASE(names_of_different_things_compare_by_value) {
  const troupe::node_name node{"n1"};

  BOOST_TEST((node == troupe::node_name{"n1"}));
  BOOST_TEST((node < troupe::node_name{"n2"}));
}

// Events show their ids to everybody, and an id is what lets a caller ask for its answer.
BOOST_AUTO_TEST_CASE(ids_seen_so_far_do_not_tell_the_next) {
  troupe::uuid_source source;
  std::set<std::vector<std::byte>> tails;

  for (int i = 0; i < 1024; ++i) {
    const uuid id = source.next(birth);
    tails.emplace(id.bytes.begin() + 10, id.bytes.end());
  }

  BOOST_TEST(tails.size() == 1024U);
}

BOOST_AUTO_TEST_CASE(ids_of_one_millisecond_rise_wherever_the_count_began) {
  for (int source_number = 0; source_number < 100; ++source_number) {
    troupe::uuid_source source;
    uuid before = source.next(birth);
    for (int i = 0; i < 200; ++i) {
      const uuid id = source.next(birth);
      BOOST_REQUIRE((before < id));
      before = id;
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
