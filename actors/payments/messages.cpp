#include "actors/payments/messages.hpp"

namespace troupe::payments {

namespace {

constexpr std::size_t card_bytes_max = 128;

} // namespace

outcome<void> check_card(const std::string& card) {
  if (card.empty() || card.size() > card_bytes_max) {
    return failure{invalid("card: a token of 1 to 128 bytes is wanted")};
  }
  return {};
}

} // namespace troupe::payments
