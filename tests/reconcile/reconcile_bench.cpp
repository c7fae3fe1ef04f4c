// How long two capabilities of a million rows take to compare, without the time of their answers.

#include "runtime/reconcile/reconciliation.hpp"
#include "runtime/wire/writer.hpp"

#include <chrono>
#include <fmt/format.h>
#include <string>
#include <sys/resource.h>

namespace {

using namespace troupe;
using namespace troupe::reconcile;

constexpr std::int64_t rows = 1'000'000;
constexpr std::int64_t page = 1'000;

std::string answer(std::int64_t from) {
  std::string body;
  wire::writer to{body};
  const auto count = static_cast<std::uint32_t>(std::min(page, rows - from));
  to.map(1);
  to.text("rows");
  to.array(count);
  for (std::int64_t i = from; i < from + count; ++i) {
    to.map(4);
    to.text("order");
    to.integer(i);
    to.text_entry("state", "confirmed");
    to.text_entry("currency", "EUR");
    to.text("amount");
    to.integer(500);
  }
  return body;
}

} // namespace

int main() {
  invariant what;
  what.left = {.capability = "a", .query = "list", .rows = "rows", .key = "order"};
  what.right = {.capability = "b", .query = "list", .rows = "rows", .key = "order"};
  what.left_fields = what.right_fields = {"amount"};
  what.equal = {{{{.is_left = true, .field = 0}}, {{.field = 0}}, "left.amount = right.amount"}};
  std::int64_t asked[2] = {0, 0};
  std::chrono::nanoseconds answering{0};
  const auto fetch = [&](const source& from, std::string_view) -> outcome<std::string> {
    const auto began = std::chrono::steady_clock::now();
    std::int64_t& at = asked[from.capability == "a" ? 0 : 1];
    std::string body = answer(at);
    at = std::min(rows, at + page);
    answering += std::chrono::steady_clock::now() - began;
    return body;
  };
  pass_report told;
  const auto began = std::chrono::steady_clock::now();
  const auto done = reconcile::reconcile(what, 0, "", fetch, told);
  const auto took = std::chrono::steady_clock::now() - began - answering;
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  fmt::print(
      "{} keys judged, {} findings, {} ms, {} MiB at most\n",
      told.judged,
      told.findings.size(),
      std::chrono::duration_cast<std::chrono::milliseconds>(took).count(),
      used.ru_maxrss / 1024);
  return done && told.findings.empty() && told.judged == static_cast<std::uint64_t>(rows) ? 0 : 1;
}
