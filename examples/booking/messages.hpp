#pragma once

#include "runtime/wire/operation.hpp"

#include <cstdint>
#include <string>

namespace booking {

using troupe::uuid;
using troupe::wire::operation;

/// `booking.book`: seats of a show, paid from a customer's wallet. The booking's id is the call's.
struct book_seats {
  std::string customer;
  std::string show;
  std::int64_t seats = 0;
};

TROUPE_MESSAGE(book_seats, customer, show, seats)

struct booked {
  uuid booking;
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(booked, booking, cents)

/// `tickets.open`: a show, its seats and the price of one.
struct open_show {
  std::string show;
  std::int64_t seats = 0;
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(open_show, show, seats, cents)

/// `tickets.hold`. Refused: `unknown_show`, `sold_out`; and as described in troupe::reservations.
struct hold_seats {
  uuid booking;
  std::string show;
  std::int64_t seats = 0;
};

TROUPE_MESSAGE(hold_seats, booking, show, seats)

struct seats_held {
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(seats_held, cents)

/// `tickets.release` and `wallet.give_back`: undo what a booking did.
struct undo_booking {
  uuid booking;
};

TROUPE_MESSAGE(undo_booking, booking)

/// `tickets.issue`: issues the tickets of a paid booking; published on `ticket.issued`.
struct issue_ticket {
  uuid booking;
  std::string customer;
  std::string show;
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(issue_ticket, booking, customer, show, cents)

/// `wallet.put`, `wallet.pay`. Refused: `too_little_money`; and as described in
/// troupe::reservations.
struct put_money {
  std::string customer;
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(put_money, customer, cents)

struct pay {
  uuid booking;
  std::string customer;
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(pay, booking, customer, cents)

/// `wallet.get`, `statistics.get`, `tickets.get`: by the customer or show.
struct get_of {
  std::string name;
};

TROUPE_MESSAGE(get_of, name)

/// A number of tickets and their money: those left, or those sold.
struct amount {
  std::int64_t count = 0;
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(amount, count, cents)

// The operations that the saga calls.
inline constexpr operation<hold_seats, seats_held> hold{"tickets", "hold"};
inline constexpr operation<undo_booking, undo_booking> release{"tickets", "release"};
inline constexpr operation<pay, amount> take_money{"wallet", "pay"};
inline constexpr operation<undo_booking, undo_booking> give_money_back{"wallet", "give_back"};
inline constexpr operation<issue_ticket, issue_ticket> issue{"tickets", "issue"};

} // namespace booking
