#pragma once

#include "runtime/testing/actor_trial.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace troupe::shop::test {

using actor_fixture = testing::actor_trial;
using temporary_folder = testing::trial_folder;

/// Parts of a `config`, as a topology file would have them.
config_tree map_of(std::vector<config_tree::entry> entries);
config_tree scalar_of(std::string text);

/// The shop's actor type called `name`.
actor_type type_named(const std::string& name);

/// Whether `got` was refused for `reason`.
template <class T>
bool is_refused(const outcome<T>& got, std::string_view reason) {
  return !got && got.error().code == errc::rejected && got.error().detail("reason") == reason
         && !got.error().message.empty();
}

template <class T>
bool is_invalid(const outcome<T>& got) {
  return !got && got.error().code == errc::invalid;
}

} // namespace troupe::shop::test
