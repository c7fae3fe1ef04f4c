// A client: gives a customer points, and says how many there are now. It needs no topology, and
// links no actors.

#include "messages.hpp"
#include "runtime/client/client.hpp"

#include <cstdlib>
#include <fmt/format.h>

int main(int count, char** words) {
  if (count != 4) {
    fmt::print(stderr, "points-ask BROKER CUSTOMER POINTS, such as tcp://127.0.0.1:5560 ada 30\n");
    return 2;
  }
  // One client for the life of a program: it logs in, and comes back by itself when a broker is
  // lost.
  const auto client = troupe::client::client::open({.brokers = {words[1]}});
  if (!client) {
    fmt::print(stderr, "{}\n", client.error().message);
    return 4;
  }
  const points::add_points wanted{words[2], std::strtoll(words[3], nullptr, 10)};
  const auto now = (*client)->call<points::balance>("points", "add", wanted);
  if (!now) {
    // `effect` says whether it may have happened; a repeat under the same id (`call_request::id`)
    // does nothing twice.
    const auto& why = now.error();
    const bool is_known = why.possible == troupe::effect::none;
    fmt::print(
        stderr,
        "{}: {} ({})\n",
        name_of(why.code),
        why.message,
        is_known ? "nothing was done" : "it may have been done");
    return 4;
  }
  fmt::print("{} has {} points\n", now->customer, now->points);
  return 0;
}
