#pragma once

#include "runtime/contract/consumer_pact.hpp"

#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>

namespace troupe::contract {

/// A contract within a case of Boost.Test: written when the case ends, if nothing in it failed.
class test_pact : public consumer_pact {
public:
  using consumer_pact::consumer_pact;

  ~test_pact() {
    if (std::uncaught_exceptions() > exceptions_ || !has_passed()) {
      return; // The case tells why by itself.
    }
    const auto written = finish();
    BOOST_CHECK_MESSAGE(written.has_value(), (written ? "" : written.error().message));
  }

  test_pact(const test_pact&) = delete;
  test_pact& operator=(const test_pact&) = delete;

private:
  static bool has_passed() {
    namespace utf = boost::unit_test;
    const auto& so_far = utf::results_collector.results(utf::framework::current_test_case_id());
    return so_far.p_assertions_failed.get() == 0 && !so_far.p_aborted.get();
  }

  int exceptions_ = std::uncaught_exceptions();
};

} // namespace troupe::contract
