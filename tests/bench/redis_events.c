/* A Redis stream with `appendfsync always`, a peer of Troupe's events: a 128-byte body, a window of
 * XADDs that are not answered yet.
 *
 *     redis_events PORT publish|flow WINDOW SECONDS WARM_UP
 *
 * publish: until XADD is answered; flow: until a second process read it in a group (XREADGROUP) and
 * acknowledged it (XACK). Prints one line of JSON. */
#define _GNU_SOURCE 1
#include "peer_load.h"

#include <hiredis/hiredis.h>

static int port;
static struct load asked;
static struct shared* between;

static redisContext* dial(void) {
  redisContext* made = redisConnect("127.0.0.1", port);
  if (made == NULL || made->err != 0) {
    give_up("connect", made == NULL ? "no memory" : made->errstr);
  }
  return made;
}

static void do_now(redisContext* with, const char* command) {
  redisReply* reply = redisCommand(with, command);
  if (reply == NULL) {
    give_up(command, with->errstr);
  }
  freeReplyObject(reply);
}

static void put(redisContext* to) {
  char body[body_bytes];
  memset(body, 'x', sizeof body);
  const char* words[] = {"XADD", "bench", "*", "b", body};
  const size_t sizes[] = {4, 5, 1, 1, body_bytes};
  redisAppendCommandArgv(to, 5, words, sizes);
}

static void check(redisReply* reply) {
  if (reply->type == REDIS_REPLY_ERROR) {
    give_up("redis", reply->str);
  }
  freeReplyObject(reply);
}

/* Waits for a reply, and takes all that came with it; how many. */
static uint64_t await_replies(redisContext* from) {
  void* reply = NULL;
  if (redisGetReply(from, &reply) != REDIS_OK) {
    give_up("reply", from->errstr);
  }
  uint64_t count = 0;
  while (reply != NULL) {
    check(reply);
    ++count;
    reply = NULL;
    if (redisReaderGetReply(from->reader, &reply) != REDIS_OK) {
      give_up("reply", from->errstr);
    }
  }
  return count;
}

static void publish(void) {
  redisContext* to = dial();
  do_now(to, "DEL bench");
  uint64_t* sent_at = calloc(asked.window, sizeof *sent_at);
  uint64_t sent = 0;
  uint64_t answered = 0;
  uint64_t now = now_ns();
  struct times all = times_from(&asked, now);
  while (now < all.end) {
    for (; sent - answered < asked.window; ++sent) {
      sent_at[sent % asked.window] = now;
      put(to);
    }
    const uint64_t upto = answered + await_replies(to);
    for (now = now_ns(); answered < upto; ++answered) {
      add_time(&all, sent_at[answered % asked.window], now);
    }
  }
  print_times("redis", &all, &asked);
}

/* Reads some and acknowledges them; how many. */
static uint64_t take(redisContext* from) {
  redisReply* reply =
      redisCommand(from, "XREADGROUP GROUP g c COUNT %d BLOCK 5 STREAMS bench >", fetch_max);
  if (reply == NULL) {
    give_up("read", from->errstr);
  }
  if (reply->type != REDIS_REPLY_ARRAY) {
    freeReplyObject(reply);
    return 0;
  }
  const redisReply* messages = reply->element[0]->element[1];
  const char* words[fetch_max + 3] = {"XACK", "bench", "g"};
  size_t sizes[fetch_max + 3] = {4, 5, 1};
  for (size_t i = 0; i < messages->elements; ++i) {
    words[3 + i] = messages->element[i]->element[0]->str;
    sizes[3 + i] = (size_t)messages->element[i]->element[0]->len;
  }
  const uint64_t count = messages->elements;
  redisAppendCommandArgv(from, (int)count + 3, words, sizes);
  (void)await_replies(from);
  freeReplyObject(reply);
  return count;
}

static void consume(void) {
  redisContext* from = dial();
  do_now(from, "DEL bench");
  do_now(from, "XGROUP CREATE bench g $ MKSTREAM");
  between->is_ready = true;
  uint64_t got = 0;
  while (!between->is_all || got < between->published) {
    got += take(from);
  }
  print_flow("redis", &asked, got, between->first_ns, now_ns());
}

static void publish_until(uint64_t end) {
  redisContext* to = dial();
  uint64_t sent = 0;
  uint64_t answered = 0;
  between->first_ns = now_ns();
  while (now_ns() < end) {
    for (; sent - answered < asked.window; ++sent) {
      put(to);
    }
    answered += await_replies(to);
  }
  while (answered < sent) {
    answered += await_replies(to);
  }
  between->published = sent;
  between->is_all = true;
}

int main(int count, char** words) {
  if (count != 6) {
    fprintf(stderr, "usage: redis_events PORT publish|flow WINDOW SECONDS WARM_UP\n");
    return 2;
  }
  port = atoi(words[1]);
  asked = (struct load){(size_t)atol(words[3]), atof(words[4]), atof(words[5])};
  if (strcmp(words[2], "publish") == 0) {
    publish();
    leave();
  }
  between = share();
  const pid_t consumer = start(consume);
  await_ready(between, consumer);
  publish_until(now_ns() + (uint64_t)(asked.seconds * 1e9));
  await_end(consumer);
  leave();
}
