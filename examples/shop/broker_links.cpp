#include "examples/shop/broker_links.hpp"

#include "runtime/security/key_ring.hpp"

#include <cstddef>
#include <fmt/format.h>
#include <memory>
#include <utility>

namespace troupe::shop {

namespace {

error invalid_broker(const std::string& word) {
  return {
      .code = errc::invalid,
      .message = fmt::format("--broker `{}`: with --keys write NAME=tcp://HOST:PORT", word)};
}

/// The keys for links to the named brokers, in the order of the options.
outcome<transport::link_key_source>
link_keys(const broker_links& given, std::vector<std::string> names) {
  auto ring = security::key_ring::open(given.keys, given.as);
  if (!ring) {
    return failure{std::move(ring).error()};
  }
  return [ring = std::shared_ptr<const security::key_ring>{std::move(*ring)},
          names = std::move(names)](int broker, std::size_t attempt) {
    return ring->link_to(names[static_cast<std::size_t>(broker)], attempt);
  };
}

} // namespace

outcome<client::options> options_of(const broker_links& given, const std::string& name) {
  client::options options;
  options.name = name;
  if (given.keys.empty()) {
    options.brokers = given.brokers;
    if (options.brokers.empty()) {
      options.brokers = {"tcp://127.0.0.1:5550"};
    }
    return options;
  }
  std::vector<std::string> names;
  for (const std::string& word : given.brokers) {
    const std::size_t at = word.find("=tcp://");
    if (at == 0 || at == std::string::npos) {
      return failure{invalid_broker(word)};
    }
    names.push_back(word.substr(0, at));
    options.brokers.push_back(word.substr(at + 1));
  }
  if (names.empty()) {
    return failure{invalid_broker("")};
  }
  options.name = given.as;
  return link_keys(given, std::move(names)).map([&](transport::link_key_source keys) {
    options.keys = std::move(keys);
    return options;
  });
}

} // namespace troupe::shop
