/* Bare libpq, the peer of Troupe's journal and turns on PostgreSQL: what a loop that does nothing else
 * gets out of the same server.
 *
 *     postgres_rows URL rows|turns WINDOW SECONDS WARM_UP
 *
 * rows: WINDOW events with a 128-byte body, in the columns of the journal, by one INSERT over arrays
 * (`unnest`) that commits, after the other; turns: a pipelined transaction of the kind a turn is: the
 * writers' lock, WINDOW prepared INSERTs, one over arrays for their inbox, COMMIT. Prints one line of
 * JSON; the times are those of a whole batch. */
#define _GNU_SOURCE 1
#include "peer_load.h"

#include <endian.h>
#include <libpq-fe.h>

enum { columns = 5, id_bytes = 16, int8_oid = 20, bytea_oid = 17, text_oid = 25, int8s_oid = 1016 };
enum { byteas_oid = 1001, texts_oid = 1009 };

static PGconn* to;
static struct load asked;

static void check(PGresult* result, ExecStatusType wanted, const char* what) {
  if (PQresultStatus(result) != wanted) {
    give_up(what, PQerrorMessage(to));
  }
  PQclear(result);
}

static void run(const char* script) {
  PGresult* result = PQexec(to, script);
  const ExecStatusType is = PQresultStatus(result);
  if (is != PGRES_COMMAND_OK && is != PGRES_TUPLES_OK) {
    give_up(script, PQerrorMessage(to));
  }
  PQclear(result);
}

/* A one-dimensional array in the binary format of the protocol. */
struct array {
  char* bytes;
  size_t size;
};

static void add(struct array* into, const void* bytes, size_t size) {
  memcpy(into->bytes + into->size, bytes, size);
  into->size += size;
}

static void add_int4(struct array* into, int32_t value) {
  const uint32_t big = htobe32((uint32_t)value);
  add(into, &big, sizeof big);
}

static void begin_array(struct array* into, int element_oid, size_t count) {
  into->size = 0;
  add_int4(into, 1);
  add_int4(into, 0);
  add_int4(into, element_oid);
  add_int4(into, (int32_t)count);
  add_int4(into, 1);
}

static void add_bytes(struct array* into, const void* bytes, size_t size) {
  add_int4(into, (int32_t)size);
  add(into, bytes, size);
}

static void add_int8(struct array* into, int64_t value) {
  const uint64_t big = htobe64((uint64_t)value);
  add_bytes(into, &big, sizeof big);
}

static void make_id(char* id, uint64_t number) {
  memset(id, 7, id_bytes);
  memcpy(id, &number, sizeof number);
}

static struct array arrays[columns];

static void make_arrays(void) {
  for (int i = 0; i < columns; ++i) {
    arrays[i].bytes = malloc(64 + asked.window * (body_bytes + 8));
    if (arrays[i].bytes == NULL) {
      give_up("arrays", "no memory");
    }
  }
}

/* Fills the arrays with the events behind `position`. */
static void fill(uint64_t position, uint64_t now) {
  char body[body_bytes];
  char id[id_bytes];
  char key[16];
  memset(body, 'x', sizeof body);
  begin_array(&arrays[0], int8_oid, asked.window);
  begin_array(&arrays[1], bytea_oid, asked.window);
  begin_array(&arrays[2], int8_oid, asked.window);
  begin_array(&arrays[3], text_oid, asked.window);
  begin_array(&arrays[4], bytea_oid, asked.window);
  for (size_t i = 1; i <= asked.window; ++i) {
    make_id(id, position + i);
    const int length = snprintf(key, sizeof key, "k%zu", i % 1000);
    add_int8(&arrays[0], (int64_t)(position + i));
    add_bytes(&arrays[1], id, sizeof id);
    add_int8(&arrays[2], (int64_t)now);
    add_bytes(&arrays[3], key, (size_t)length);
    add_bytes(&arrays[4], body, sizeof body);
  }
}

static void rows(void) {
  static const Oid types[columns] = {int8s_oid, byteas_oid, int8s_oid, texts_oid, byteas_oid};
  static const int binary[columns] = {1, 1, 1, 1, 1};
  const char* values[columns];
  int sizes[columns];
  run("CREATE SCHEMA IF NOT EXISTS bare; DROP TABLE IF EXISTS bare.events");
  run("CREATE TABLE bare.events (position BIGINT PRIMARY KEY, topic BIGINT NOT NULL, id BYTEA NOT NULL,"
      " time BIGINT NOT NULL, digest BIGINT, key TEXT, source TEXT, traceparent TEXT, only_for TEXT,"
      " body BYTEA NOT NULL)");
  check(
      PQprepare(
          to, "rows",
          "INSERT INTO bare.events (position, topic, id, time, key, body) SELECT p, 1, i, t, k, b"
          " FROM unnest($1, $2, $3, $4, $5) AS r (p, i, t, k, b)",
          columns, types),
      PGRES_COMMAND_OK, "prepare");
  uint64_t position = 0;
  uint64_t now = now_ns();
  struct times all = times_from(&asked, now);
  while (now < all.end) {
    fill(position, now);
    for (int i = 0; i < columns; ++i) {
      values[i] = arrays[i].bytes;
      sizes[i] = (int)arrays[i].size;
    }
    check(PQexecPrepared(to, "rows", columns, values, sizes, binary, 0), PGRES_COMMAND_OK, "insert");
    const uint64_t sent = now;
    now = now_ns();
    for (size_t i = 0; i < asked.window; ++i) {
      add_time(&all, sent, now);
    }
    position += asked.window;
  }
  print_times("bare libpq", &all, &asked);
}

static void send(int is_sent, const char* what) {
  if (is_sent != 1) {
    give_up(what, PQerrorMessage(to));
  }
}

/* Reads the results of `count` statements and of the sync behind them. */
static void drain(size_t count) {
  for (size_t i = 0; i <= count; ++i) {
    PGresult* result = PQgetResult(to);
    const ExecStatusType is = PQresultStatus(result);
    if (is != PGRES_COMMAND_OK && is != PGRES_TUPLES_OK && is != PGRES_PIPELINE_SYNC) {
      give_up("turn", PQerrorMessage(to));
    }
    PQclear(result);
    if (is != PGRES_PIPELINE_SYNC) {
      PQclear(PQgetResult(to)); /* Nothing: the end of this statement's results. */
    }
  }
}

static void turns(void) {
  static const Oid note_types[2] = {bytea_oid, text_oid};
  static const Oid inbox_types[3] = {byteas_oid, int8s_oid, byteas_oid};
  static const int binary[3] = {1, 1, 1};
  char id[id_bytes];
  char text[body_bytes];
  memset(text, 'x', sizeof text);
  run("CREATE SCHEMA IF NOT EXISTS bare; DROP TABLE IF EXISTS bare.notes, bare.inbox");
  run("CREATE TABLE bare.notes (note_id BYTEA PRIMARY KEY, text TEXT NOT NULL)");
  run("CREATE TABLE bare.inbox (id BYTEA PRIMARY KEY, digest BIGINT NOT NULL, reply BYTEA NOT NULL)");
  check(
      PQprepare(to, "note", "INSERT INTO bare.notes VALUES ($1, $2)", 2, note_types),
      PGRES_COMMAND_OK, "prepare");
  check(
      PQprepare(
          to, "inbox", "INSERT INTO bare.inbox SELECT * FROM unnest($1, $2, $3)", 3, inbox_types),
      PGRES_COMMAND_OK, "prepare");
  check(PQprepare(to, "begin", "BEGIN", 0, NULL), PGRES_COMMAND_OK, "prepare");
  check(PQprepare(to, "commit", "COMMIT", 0, NULL), PGRES_COMMAND_OK, "prepare");
  check(
      PQprepare(to, "lock", "SELECT pg_advisory_xact_lock(7)", 0, NULL), PGRES_COMMAND_OK, "prepare");
  if (PQenterPipelineMode(to) != 1) {
    give_up("pipeline", PQerrorMessage(to));
  }
  uint64_t number = 0;
  uint64_t now = now_ns();
  struct times all = times_from(&asked, now);
  while (now < all.end) {
    const char* values[3];
    int sizes[3];
    begin_array(&arrays[0], bytea_oid, asked.window);
    begin_array(&arrays[1], int8_oid, asked.window);
    begin_array(&arrays[2], bytea_oid, asked.window);
    send(PQsendQueryPrepared(to, "begin", 0, NULL, NULL, NULL, 0), "begin");
    send(PQsendQueryPrepared(to, "lock", 0, NULL, NULL, NULL, 0), "lock");
    for (size_t i = 0; i < asked.window; ++i) {
      make_id(id, ++number);
      values[0] = id;
      values[1] = text;
      sizes[0] = id_bytes;
      sizes[1] = body_bytes;
      send(PQsendQueryPrepared(to, "note", 2, values, sizes, binary, 0), "note");
      add_bytes(&arrays[0], id, sizeof id);
      add_int8(&arrays[1], (int64_t)number);
      add_bytes(&arrays[2], id, sizeof id);
    }
    for (int i = 0; i < 3; ++i) {
      values[i] = arrays[i].bytes;
      sizes[i] = (int)arrays[i].size;
    }
    send(PQsendQueryPrepared(to, "inbox", 3, values, sizes, binary, 0), "inbox");
    send(PQsendQueryPrepared(to, "commit", 0, NULL, NULL, NULL, 0), "commit");
    send(PQpipelineSync(to), "sync");
    drain(asked.window + 4);
    const uint64_t sent = now;
    now = now_ns();
    for (size_t i = 0; i < asked.window; ++i) {
      add_time(&all, sent, now);
    }
  }
  print_times("bare libpq", &all, &asked);
}

int main(int count, char** words) {
  if (count != 6) {
    fprintf(stderr, "usage: postgres_rows URL rows|turns WINDOW SECONDS WARM_UP\n");
    return 2;
  }
  asked = (struct load){(size_t)atol(words[3]), atof(words[4]), atof(words[5])};
  to = PQconnectdb(words[1]);
  if (PQstatus(to) != CONNECTION_OK) {
    give_up("connect", PQerrorMessage(to));
  }
  run("SET client_min_messages = warning");
  make_arrays();
  if (strcmp(words[2], "turns") == 0) {
    turns();
  } else {
    rows();
  }
  PQfinish(to);
  leave();
}
