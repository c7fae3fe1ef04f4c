#include "runtime/store/turn/writers.hpp"

#include "runtime/bytes.hpp"
#include "runtime/store/blobs.hpp"
#include "runtime/store/page.hpp"
#include "runtime/time_text.hpp"

#include <array>
#include <cstring>

namespace troupe::store {

namespace {

constexpr std::string_view newest_text = "SELECT seq, id FROM outbox ORDER BY seq DESC LIMIT 1";

effect_row effect_of(const row& row) {
  return {
      row.id(0),
      row.id(1),
      std::string{row.text(2)},
      std::string{text_of(row.bytes(3))},
      {},
      std::string{row.text(4)}};
}

} // namespace

std::uint64_t outbox_digest(std::uint64_t seq, const uuid& id) {
  std::array<std::byte, 24> bytes{};
  store_big_endian(bytes.data(), seq, 8);
  std::memcpy(bytes.data() + 8, id.bytes.data(), id.bytes.size());
  return digest_of(bytes);
}

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

writers::condition writers::condition_of(std::int64_t id) {
  condition found;
  auto take = [&](const row& row) { found = {row.integer(0) != 0, row.integer(1) != 0}; };
  session_.query("SELECT fenced, answered < asked FROM writers WHERE id = $1", take, id);
  return found;
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

void writers::touch(std::int64_t id) {
  session_.execute("UPDATE writers SET answered = answered WHERE id = $1", id);
}

void writers::resign(std::int64_t id) {
  session_.execute("UPDATE writers SET resigned = 1 WHERE id = $1", id);
}

void writers::fence(std::int64_t id) {
  session_.execute("UPDATE writers SET fenced = 1 WHERE id = $1", id);
}

void writers::fence_process(const uuid& incarnation) {
  session_.execute(
      "UPDATE writers SET fenced = 1 WHERE incarnation = $1 AND fenced = 0", incarnation);
}

void effects::add(const effect_row& effect, std::int64_t writer) {
  session_.execute(
      "INSERT INTO effects (key, call, name, request, writer, trace)"
      " VALUES ($1, $2, $3, $4, $5, $6)",
      effect.key,
      effect.call,
      effect.name,
      bytes_of(effect.request),
      writer,
      text_or_null(effect.trace));
}

void effects::remove(const uuid& key) {
  session_.execute("DELETE FROM effects WHERE key = $1", key);
}

std::optional<effect_row> effects::find(const uuid& key, std::int64_t writer) {
  std::optional<effect_row> found;
  auto take = [&](const row& row) { found = effect_of(row); };
  session_.query(
      "SELECT key, call, name, request, trace FROM effects WHERE key = $1 AND writer = $2",
      take,
      key,
      writer);
  return found;
}

std::vector<effect_row> effects::of(std::int64_t writer) {
  std::vector<effect_row> found;
  auto take = [&](const row& row) {
    effect_row& added = found.emplace_back(effect_of(row));
    if (!row.is_null(5)) {
      const blob result = row.bytes(6);
      added.unsettled = unsettled_result{
          row.integer(5) != 0,
          std::string{reinterpret_cast<const char*>(result.data()), result.size()},
          static_cast<std::uint32_t>(row.integer(7))};
    }
  };
  session_.query(
      "SELECT key, call, name, request, trace, failed, result, attempts FROM effects"
      " LEFT JOIN unsettled USING (key) WHERE writer = $1 ORDER BY key",
      take,
      writer);
  return found;
}

std::vector<std::string> effects::names_left() {
  std::vector<std::string> found;
  auto take = [&](const row& row) { found.emplace_back(row.text(0)); };
  session_.query(
      "SELECT DISTINCT name FROM effects WHERE writer IN"
      " (SELECT id FROM writers WHERE fenced = 1) ORDER BY name",
      take);
  return found;
}

void effects::take_left(std::string_view name, std::int64_t heir) {
  session_.execute(
      "UPDATE effects SET writer = $2 WHERE name = $1 AND writer IN"
      " (SELECT id FROM writers WHERE fenced = 1)",
      name,
      heir);
}

std::pair<std::uint64_t, uuid> outbox::newest() {
  std::pair<std::uint64_t, uuid> found{0, {}};
  auto take = [&](const row& row) {
    found = {static_cast<std::uint64_t>(row.integer(0)), row.id(1)};
  };
  session_.query(newest_text, take);
  return found;
}

void outbox::ask_newest(std::function<void(std::uint64_t)> each) {
  session_.ask(newest_text, {}, [each = std::move(each)](const row& row) {
    each(static_cast<std::uint64_t>(row.integer(0)));
  });
}

std::uint64_t outbox::oldest() {
  return static_cast<std::uint64_t>(session_.integer_of("SELECT MIN(seq) FROM outbox").value_or(1));
}

std::optional<uuid> outbox::id_of(std::uint64_t seq) {
  std::optional<uuid> found;
  session_.query(
      "SELECT id FROM outbox WHERE seq = $1", [&](const row& row) { found = row.id(0); }, seq);
  return found;
}

std::optional<std::uint64_t> outbox::digest_between(std::uint64_t from, std::uint64_t to) {
  const outbox_mark known = mark();
  std::uint64_t next = from + 1;
  std::uint64_t sum = 0;
  if (known.digest && known.confirmed >= from && known.confirmed <= to) {
    next = known.confirmed + 1;
    sum = *known.digest;
  }
  auto add = [&](const row& row) {
    if (static_cast<std::uint64_t>(row.integer(0)) != next) {
      return false;
    }
    sum += outbox_digest(next++, row.id(1));
    return true;
  };
  session_.query(
      "SELECT seq, id FROM outbox WHERE seq BETWEEN $1 AND $2 ORDER BY seq", add, next, to);
  return next == to + 1 ? std::optional{sum} : std::nullopt;
}

outbox_mark outbox::mark() {
  outbox_mark found{oldest() - 1, {}, 0};
  session_.query("SELECT confirmed, id, position, digest FROM outbox_mark", [&](const row& row) {
    const auto confirmed = static_cast<std::uint64_t>(row.integer(0));
    if (confirmed >= found.confirmed) {
      found = {confirmed, row.id(1), static_cast<std::uint64_t>(row.integer(2))};
      if (!row.is_null(3)) {
        found.digest = static_cast<std::uint64_t>(row.integer(3));
      }
    }
  });
  return found;
}

void outbox::raise_mark(const outbox_mark& mark) {
  const auto known = session_.integer_of("SELECT confirmed FROM outbox_mark");
  if (static_cast<std::uint64_t>(known.value_or(0)) <= mark.confirmed) {
    set_mark(mark);
  }
}

void outbox::set_mark(const outbox_mark& mark) {
  session_.execute(
      "INSERT INTO outbox_mark (one, confirmed, id, position, digest) VALUES (1, $1, $2, $3, $4) "
      "ON CONFLICT (one) DO UPDATE SET confirmed = excluded.confirmed, id = excluded.id, "
      "position = excluded.position, digest = excluded.digest",
      mark.confirmed,
      mark.id,
      mark.position,
      mark.digest);
}

void outbox::add(const outbox_row& row) {
  session_.execute(
      "INSERT INTO outbox (seq, id, topic, key, body, trace) VALUES ($1, $2, $3, $4, $5, $6)",
      row.seq,
      row.id,
      row.topic,
      row.key,
      bytes_of(row.body),
      text_or_null(row.trace));
}

std::uint64_t outbox::read(
    std::uint64_t from,
    std::uint64_t to,
    std::size_t bytes_max,
    const std::function<bool(const outbox_view&)>& each) {
  const auto end = end_of_page(
      session_,
      bytes_max,
      "SELECT seq, length(body) FROM outbox WHERE seq BETWEEN $1 AND $2 ORDER BY seq",
      from,
      to);
  std::uint64_t done = end ? static_cast<std::uint64_t>(*end) : to;
  std::size_t bytes = 0;
  auto show = [&](const row& row) {
    const auto seq = static_cast<std::uint64_t>(row.integer(0));
    const blob body = row.bytes(4);
    const bool is_taken = each(
        {seq,
         row.id(1),
         row.text(2),
         row.text(3),
         {reinterpret_cast<const char*>(body.data()), body.size()},
         row.text(5)});
    bytes += body.size();
    if (is_taken && bytes < bytes_max) {
      return true;
    }
    done = is_taken ? seq : seq - 1;
    return false;
  };
  session_.query(
      "SELECT seq, id, topic, key, body, trace FROM outbox WHERE seq BETWEEN $1 AND $2 ORDER BY "
      "seq",
      show,
      from,
      done);
  return done;
}

void outbox::forget(std::uint64_t deleted, std::uint64_t confirmed) {
  // PostgreSQL keeps deleted rows while any transaction or forgotten replication slot may need
  // them, and would have to skip all of them here. So the range starts after them.
  session_.execute(
      "DELETE FROM outbox WHERE seq > $1 AND seq <= $2 AND seq < (SELECT MAX(seq) FROM outbox)",
      deleted,
      confirmed);
}

} // namespace troupe::store
