// The revenue of each show, and a receipt for each ticket: a file, written by an effect.

#include "actors.hpp"
#include "messages.hpp"
#include "runtime/actor/actor.hpp"

#include <array>
#include <filesystem>
#include <fstream>

namespace booking {

namespace {

using troupe::outcome;
using troupe::turn;

constexpr std::array schema{troupe::store::migration{1, "sales", R"sql(
CREATE TABLE sales (show TEXT PRIMARY KEY, tickets BIGINT NOT NULL, cents BIGINT NOT NULL) WITHOUT ROWID;
)sql"}};

/// Writes the file under another name first, so that no receipt is ever incomplete. Writing twice
/// under one key gives one file, named after the key.
outcome<issue_ticket> write_receipt(
    const std::filesystem::path& folder, const issue_ticket& ticket, const troupe::uuid& key) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  const auto draft = folder / (to_string(key) + ".draft");
  std::ofstream out{draft};
  out << ticket.customer << " paid " << ticket.cents << " cents for " << ticket.show << std::endl;
  std::filesystem::rename(draft, folder / (to_string(key) + ".txt"), failed);
  if (!out || failed) {
    return troupe::failure{troupe::error{
        .code = troupe::errc::unavailable, .message = "no receipt in " + folder.string()}};
  }
  return ticket;
}

class statistics_actor final : public troupe::actor {
public:
  explicit statistics_actor(const troupe::context& context)
      : folder_{std::filesystem::path{context.folder} / "data" / "receipts"} {
    on("ticket.issued", [](const issue_ticket& ticket, turn& turn) {
      turn.database().execute(
          "INSERT INTO sales (show, tickets, cents) VALUES ($1, 1, $2) "
          "ON CONFLICT (show) DO UPDATE SET tickets = sales.tickets + 1, cents = sales.cents + "
          "excluded.cents",
          ticket.show,
          ticket.cents);
      turn.effect("receipt", ticket);
    });
    effect<issue_ticket>(
        "receipt",
        [this](const issue_ticket& ticket, const troupe::effect_call& call) {
          return write_receipt(folder_, ticket, call.key);
        },
        [](const issue_ticket&, const outcome<issue_ticket>& written, turn&) { return written; });
    query("get", [](const get_of& show, troupe::store::database& session) {
      return amount{
          session.integer_of("SELECT tickets FROM sales WHERE show = $1", show.name).value_or(0),
          session.integer_of("SELECT cents FROM sales WHERE show = $1", show.name).value_or(0)};
    });
  }

private:
  std::filesystem::path folder_;
};

} // namespace

troupe::actor_type statistics() {
  return troupe::type_of<statistics_actor>("statistics", schema);
}

} // namespace booking
