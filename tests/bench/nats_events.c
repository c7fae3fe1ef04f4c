/* JetStream with file storage, the peer of Troupe's events: a 128-byte body, a window of publishes
 * that are not acknowledged yet.
 *
 *     nats_events URL asap|flusher publish|flow|paced WINDOW SECONDS WARM_UP [REPLICAS]
 *
 * publish: until the stream acknowledged it; flow: until a second process pulled and explicitly
 * acknowledged it; paced: at 1,000/s, until a second process has it. asap: the publisher writes each
 * message to the socket at once; flusher: a thread of the library collects them. Prints one line of
 * JSON. */
#define _GNU_SOURCE 1
#include "peer_load.h"

#include <nats/nats.h>

enum { election_tries = 100, election_pause_us = 200000 };

static const char* url;
static bool is_asap;
static int64_t replicas = 1;
static struct load asked;
static struct shared* between;

static void check(natsStatus status, const char* what) {
  if (status != NATS_OK) {
    give_up(what, natsStatus_GetText(status));
  }
}

static natsConnection* dial(bool asap) {
  natsOptions* options = NULL;
  natsConnection* connection = NULL;
  check(natsOptions_Create(&options), "options");
  check(natsOptions_SetURL(options, url), "url");
  check(natsOptions_SetSendAsap(options, asap), "asap");
  check(natsOptions_SetMaxPendingMsgs(options, 1 << 20), "pending");
  check(natsConnection_Connect(&connection, options), "connect");
  natsOptions_Destroy(options);
  return connection;
}

/* An empty stream. */
static jsCtx* stream_of(natsConnection* connection) {
  jsCtx* stream = NULL;
  jsErrCode code = 0;
  jsStreamConfig config;
  const char* subjects[] = {"note.added"};
  check(natsConnection_JetStream(&stream, connection, NULL), "jetstream");
  (void)js_DeleteStream(stream, "BENCH", NULL, &code);
  jsStreamConfig_Init(&config);
  config.Name = "BENCH";
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Storage = js_FileStorage;
  config.Replicas = replicas;
  /* Several servers that have just been started elect who may make streams. */
  natsStatus made = NATS_ERR;
  for (int left = replicas == 1 ? 1 : election_tries; left != 0 && made != NATS_OK; --left) {
    made = js_AddStream(NULL, stream, &config, NULL, &code);
    if (made != NATS_OK && left != 1) {
      usleep(election_pause_us);
    }
  }
  check(made, "stream");
  return stream;
}

struct publisher {
  natsConnection* connection;
  natsInbox* inbox;
  natsSubscription* acks;
};

static struct publisher publisher_on(natsConnection* connection) {
  struct publisher made = {connection, NULL, NULL};
  check(natsInbox_Create(&made.inbox), "inbox");
  check(natsConnection_SubscribeSync(&made.acks, connection, made.inbox), "subscribe");
  return made;
}

static void put(struct publisher* with, uint64_t now) {
  char body[body_bytes];
  memset(body, 'x', sizeof body);
  memcpy(body, &now, sizeof now);
  check(
      natsConnection_PublishRequest(
          with->connection, "note.added", with->inbox, body, body_bytes),
      "publish");
}

static void await_ack(struct publisher* with) {
  natsMsg* ack = NULL;
  check(natsSubscription_NextMsg(&ack, with->acks, patience_ms), "acknowledgement");
  if (strstr(natsMsg_GetData(ack), "\"error\"") != NULL) {
    give_up("the stream said", natsMsg_GetData(ack));
  }
  natsMsg_Destroy(ack);
}

static void publish(void) {
  natsConnection* connection = dial(is_asap);
  (void)stream_of(connection);
  struct publisher with = publisher_on(connection);
  /* Acknowledgements come in the order of publishing. */
  uint64_t* sent_at = calloc(asked.window, sizeof *sent_at);
  uint64_t sent = 0;
  uint64_t acked = 0;
  uint64_t now = now_ns();
  struct times all = times_from(&asked, now);
  while (now < all.end) {
    for (; sent - acked < asked.window; ++sent) {
      sent_at[sent % asked.window] = now;
      put(&with, now);
    }
    await_ack(&with);
    now = now_ns();
    add_time(&all, sent_at[acked++ % asked.window], now);
  }
  print_times("jetstream", &all, &asked);
}

static natsSubscription* pull_from(jsCtx* stream) {
  natsSubscription* made = NULL;
  jsErrCode code = 0;
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Config.AckPolicy = js_AckExplicit;
  options.Config.MaxAckPending = 100000;
  options.Stream = "BENCH";
  check(js_PullSubscribe(&made, stream, "note.added", "notes", NULL, &options, &code), "pull");
  return made;
}

/* Takes up to `count`, acknowledges each; how many. A fetch that could not be filled would wait, and
 * the library does not always survive what comes of that: see `publish_until`. */
static uint64_t take(natsSubscription* pull, uint64_t got, uint64_t count, struct times* all) {
  natsMsgList some = {NULL, 0};
  const uint64_t left = between->is_all ? between->published - got : count;
  check(
      natsSubscription_Fetch(&some, pull, (int)(left < count ? left : count), patience_ms, NULL),
      "fetch");
  const uint64_t now = now_ns();
  for (int i = 0; i < some.Count; ++i) {
    uint64_t sent = 0;
    memcpy(&sent, natsMsg_GetData(some.Msgs[i]), sizeof sent);
    add_time(all, sent, now);
    check(natsMsg_Ack(some.Msgs[i], NULL), "acknowledge");
  }
  const uint64_t taken = (uint64_t)some.Count;
  natsMsgList_Destroy(&some);
  return taken;
}

static void consume_flow(void) {
  natsConnection* connection = dial(false);
  jsCtx* stream = stream_of(connection);
  natsSubscription* pull = pull_from(stream);
  struct times all = times_from(&asked, now_ns());
  uint64_t got = 0;
  between->is_ready = true;
  while (!between->is_all || got < between->published) {
    got += take(pull, got, fetch_max, &all);
  }
  check(natsConnection_Flush(connection), "flush");
  for (int64_t left = 1; left != 0;) {
    jsConsumerInfo* info = NULL;
    jsErrCode code = 0;
    check(js_GetConsumerInfo(&info, stream, "BENCH", "notes", NULL, &code), "consumer");
    left = info->NumAckPending;
    jsConsumerInfo_Destroy(info);
  }
  print_flow("jetstream", &asked, got, between->first_ns, now_ns());
}

static void consume_paced(void) {
  natsConnection* connection = dial(true);
  natsSubscription* pull = pull_from(stream_of(connection));
  struct times all = times_from(&asked, now_ns());
  uint64_t got = 0;
  between->is_ready = true;
  while (!between->is_all || got < between->published) {
    got += take(pull, got, 1, &all);
  }
  print_times("jetstream", &all, &asked);
}

/* Until `end`, and `more` then: `per_s` a second, or as many as the window lets. How many there will
 * be is said before the last `more`, so that whoever fetches no more than that at once finds them. */
static void publish_until(uint64_t end, uint64_t more, double per_s) {
  struct publisher with = publisher_on(dial(is_asap));
  uint64_t sent = 0;
  uint64_t acked = 0;
  const uint64_t begin = now_ns();
  between->first_ns = begin;
  for (; !between->is_all || sent < between->published; ++sent) {
    if (per_s > 0) {
      sleep_until(begin + (uint64_t)((double)sent * 1e9 / per_s));
    }
    if (!between->is_all && now_ns() >= end) {
      between->published = sent + more;
      between->is_all = true;
    }
    if (sent - acked == asked.window) {
      await_ack(&with);
      ++acked;
    }
    put(&with, now_ns());
  }
  for (; acked < sent; ++acked) {
    await_ack(&with);
  }
}

int main(int count, char** words) {
  if (count != 7 && count != 8) {
    fprintf(
        stderr,
        "usage: nats_events URL asap|flusher publish|flow|paced WINDOW SECONDS WARM_UP [REPLICAS]\n");
    return 2;
  }
  replicas = count == 8 ? atol(words[7]) : 1;
  url = words[1];
  is_asap = strcmp(words[2], "asap") == 0;
  asked = (struct load){(size_t)atol(words[4]), atof(words[5]), atof(words[6])};
  if (strcmp(words[3], "publish") == 0) {
    publish();
    leave();
  }
  const bool is_paced = strcmp(words[3], "paced") == 0;
  between = share();
  const pid_t consumer = start(is_paced ? consume_paced : consume_flow);
  await_ready(between, consumer);
  const double seconds = asked.seconds + (is_paced ? asked.warm_up : 0);
  publish_until(
      now_ns() + (uint64_t)(seconds * 1e9), is_paced ? 1 : fetch_max, is_paced ? paced_per_s : 0);
  await_end(consumer);
  leave();
}
