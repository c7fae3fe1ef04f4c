#include "runtime/secret_hash.hpp"

#include "tests/runtime/colliding_ids.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

namespace utf = boost::unit_test;

namespace troupe {

BOOST_AUTO_TEST_SUITE(runtime_secret_hash, *utf::label("unit") * utf::timeout(20))

// The values are those of `openssl mac -macopt hexkey:00..0f -macopt c-rounds:1 -macopt d-rounds:3
// -macopt size:8 SIPHASH` over the bytes 0, 1, 2 and so on.
BOOST_AUTO_TEST_CASE(text_is_hashed_by_siphash_1_3) {
  const sip_hash<1, 3> hash{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::string bytes;
  for (char each = 0; each < 63; ++each) {
    bytes += each;
  }
  const std::string_view all{bytes};

  BOOST_TEST(hash(all.substr(0, 0)) == 0xabac0158050fc4dc);
  BOOST_TEST(hash(all.substr(0, 15)) == 0xd320d86d2a519956);
  BOOST_TEST(hash(all) == 0x9d199062b7bbb3a8);
  BOOST_TEST(hash(all.substr(0, 16)) == 0xcc4fdd1a7d908b66);
  BOOST_TEST(hash(std::uint64_t{0x0706050403020100}) == hash(all.substr(0, 8)));
}

BOOST_AUTO_TEST_CASE(each_table_has_a_key_of_its_own_and_its_copies_hash_alike) {
  const secret_hash one;
  const secret_hash other;
  const secret_hash copy = one;

  BOOST_TEST(one(uuid{}) == copy(uuid{}));
  BOOST_TEST(one(uuid{}) != other(uuid{}));
}

BOOST_AUTO_TEST_CASE(ids_made_for_one_place_of_a_table_are_spread) {
  const secret_hash hash;
  std::set<std::size_t> places;
  for (const uuid& each : colliding_ids(1024)) {
    places.insert(hash(each) & 0xfffU);
  }
  // 1,024 balls thrown at random into 4,096 boxes hit 906 of them on average.
  BOOST_TEST(places.size() > 800);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
