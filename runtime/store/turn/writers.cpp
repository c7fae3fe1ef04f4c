#include "runtime/store/turn/writers.hpp"

#include "runtime/time_text.hpp"

namespace troupe::store {

namespace {

blob bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text});
}

effect_row effect_of(const row& row) {
  const blob request = row.bytes(3);
  return {
      row.id(0),
      row.id(1),
      std::string{row.text(2)},
      std::string{reinterpret_cast<const char*>(request.data()), request.size()}};
}

} // namespace

std::int64_t writers::add(std::string_view node, const uuid& incarnation, wall_time now) {
  const std::int64_t id =
      session_.integer_of("SELECT COALESCE(MAX(id), 0) + 1 FROM writers").value_or(1);
  session_.execute(
      "INSERT INTO writers (id, node, incarnation, opened_at) VALUES ($1, $2, $3, $4)",
      id,
      node,
      incarnation,
      unix_millis(now));
  return id;
}

bool writers::is_fenced(std::int64_t id) {
  return session_.integer_of("SELECT fenced FROM writers WHERE id = $1", id).value_or(1) != 0;
}

std::vector<writer_row> writers::others(std::int64_t self) {
  std::vector<writer_row> found;
  auto take = [&](const row& row) {
    found.push_back(
        {row.integer(0),
         std::string{row.text(1)},
         row.id(2),
         row.integer(3),
         row.integer(4),
         row.integer(5) != 0});
  };
  session_.query(
      "SELECT id, node, incarnation, asked, answered, resigned FROM writers"
      " WHERE fenced = 0 AND id <> $1 ORDER BY id",
      take,
      self);
  return found;
}

std::int64_t writers::ask(std::int64_t id) {
  session_.execute("UPDATE writers SET asked = asked + 1 WHERE id = $1", id);
  return session_.integer_of("SELECT asked FROM writers WHERE id = $1", id).value_or(0);
}

void writers::answer(std::int64_t id) {
  session_.execute("UPDATE writers SET answered = asked WHERE id = $1 AND answered < asked", id);
}

void writers::resign(std::int64_t id) {
  session_.execute("UPDATE writers SET resigned = 1 WHERE id = $1", id);
}

void writers::take_over(std::int64_t id, std::int64_t heir) {
  session_.execute("UPDATE writers SET fenced = 1 WHERE id = $1", id);
  session_.execute("UPDATE effects SET writer = $2 WHERE writer = $1", id, heir);
}

void effects::add(const effect_row& effect, std::int64_t writer) {
  session_.execute(
      "INSERT INTO effects (key, call, name, request, writer) VALUES ($1, $2, $3, $4, $5)",
      effect.key,
      effect.call,
      effect.name,
      bytes_of(effect.request),
      writer);
}

void effects::remove(const uuid& key) {
  session_.execute("DELETE FROM effects WHERE key = $1", key);
}

std::optional<effect_row> effects::find(const uuid& key, std::int64_t writer) {
  std::optional<effect_row> found;
  auto take = [&](const row& row) { found = effect_of(row); };
  session_.query(
      "SELECT key, call, name, request FROM effects WHERE key = $1 AND writer = $2",
      take,
      key,
      writer);
  return found;
}

std::vector<effect_row> effects::of(std::int64_t writer) {
  std::vector<effect_row> found;
  auto take = [&](const row& row) { found.push_back(effect_of(row)); };
  session_.query(
      "SELECT key, call, name, request FROM effects WHERE writer = $1 ORDER BY key", take, writer);
  return found;
}

std::pair<std::uint64_t, uuid> outbox::newest() {
  std::pair<std::uint64_t, uuid> found{0, {}};
  auto take = [&](const row& row) {
    found = {static_cast<std::uint64_t>(row.integer(0)), row.id(1)};
  };
  session_.query("SELECT seq, id FROM outbox ORDER BY seq DESC LIMIT 1", take);
  return found;
}

std::uint64_t outbox::oldest() {
  return static_cast<std::uint64_t>(session_.integer_of("SELECT MIN(seq) FROM outbox").value_or(1));
}

void outbox::add(const outbox_row& row) {
  session_.execute(
      "INSERT INTO outbox (seq, id, topic, key, body) VALUES ($1, $2, $3, $4, $5)",
      row.seq,
      row.id,
      row.topic,
      row.key,
      bytes_of(row.body));
}

void outbox::read(
    std::uint64_t from, std::uint64_t to, const std::function<bool(const outbox_view&)>& each) {
  auto show = [&](const row& row) {
    const blob body = row.bytes(4);
    return each(
        {static_cast<std::uint64_t>(row.integer(0)),
         row.id(1),
         row.text(2),
         row.text(3),
         {reinterpret_cast<const char*>(body.data()), body.size()}});
  };
  session_.query(
      "SELECT seq, id, topic, key, body FROM outbox WHERE seq BETWEEN $1 AND $2 ORDER BY seq",
      show,
      from,
      to);
}

std::int64_t outbox::forget(std::uint64_t confirmed) {
  return session_.execute(
      "DELETE FROM outbox WHERE seq <= $1 AND seq < (SELECT MAX(seq) FROM outbox)", confirmed);
}

} // namespace troupe::store
