/* RabbitMQ's durable queues, classic by default, with publisher confirms, a peer of Troupe's events: persistent
 * messages, a 128-byte body, a window of publishes that are not confirmed yet.
 *
 *     rabbitmq_events PORT publish|flow WINDOW SECONDS WARM_UP [classic|quorum MEMBERS]
 *
 * publish: until it is confirmed; flow: until a second process consumed and acknowledged it. Prints
 * one line of JSON. */
#define _GNU_SOURCE 1
#include "peer_load.h"

#include <amqp.h>
#include <amqp_tcp_socket.h>

enum { frame_bytes_max = 131072, channel = 1 };

static const char* const queue = "bench";
static int port;
static struct load asked;
static const char* kind = "classic";
static int members;
static struct shared* between;

static void check(amqp_rpc_reply_t reply, const char* what) {
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    give_up(
        what, reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
                  ? amqp_error_string2(reply.library_error)
                  : "refused");
  }
}

static amqp_connection_state_t dial(void) {
  amqp_connection_state_t to = amqp_new_connection();
  amqp_socket_t* socket = amqp_tcp_socket_new(to);
  if (amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK) {
    give_up("connect", "refused");
  }
  check(amqp_login(to, "/", 0, frame_bytes_max, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"), "login");
  amqp_channel_open(to, channel);
  check(amqp_get_rpc_reply(to), "channel");
  return to;
}

static void make_queue(amqp_connection_state_t at) {
  amqp_table_entry_t entries[] = {
      {.key = amqp_cstring_bytes("x-queue-type"),
       .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(kind)}},
      {.key = amqp_cstring_bytes("x-quorum-initial-group-size"),
       .value = {.kind = AMQP_FIELD_KIND_I32, .value.i32 = members}}};
  amqp_table_t settings = {members == 0 ? 1 : 2, entries};
  amqp_queue_delete(at, channel, amqp_cstring_bytes(queue), 0, 0);
  check(amqp_get_rpc_reply(at), "delete");
  amqp_queue_declare(at, channel, amqp_cstring_bytes(queue), 0, 1, 0, 0, settings);
  check(amqp_get_rpc_reply(at), "declare");
}

static void put(amqp_connection_state_t to) {
  char body[body_bytes];
  memset(body, 'x', sizeof body);
  amqp_basic_properties_t persistent = {
      ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = 2};
  const amqp_bytes_t bytes = {body_bytes, body};
  const int how = amqp_basic_publish(
      to, channel, amqp_empty_bytes, amqp_cstring_bytes(queue), 0, 0, &persistent, bytes);
  if (how != AMQP_STATUS_OK) {
    give_up("publish", amqp_error_string2(how));
  }
}

/* The number of the last one confirmed: of one queue they are confirmed in order. */
static uint64_t await_confirm(amqp_connection_state_t from, uint64_t confirmed) {
  amqp_frame_t frame;
  const int how = amqp_simple_wait_frame(from, &frame);
  if (how != AMQP_STATUS_OK) {
    give_up("confirm", amqp_error_string2(how));
  }
  if (frame.frame_type != AMQP_FRAME_METHOD) {
    return confirmed;
  }
  if (frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
    give_up("confirm", "something else came");
  }
  const amqp_basic_ack_t* ack = frame.payload.method.decoded;
  if (!ack->multiple && ack->delivery_tag > confirmed + 1) {
    give_up("confirm", "out of order");
  }
  const uint64_t tag = ack->delivery_tag;
  amqp_maybe_release_buffers(from);
  return tag > confirmed ? tag : confirmed;
}

static void ask_for_confirms(amqp_connection_state_t from) {
  amqp_confirm_select(from, channel);
  check(amqp_get_rpc_reply(from), "confirms");
}

static void publish(void) {
  amqp_connection_state_t to = dial();
  make_queue(to);
  ask_for_confirms(to);
  uint64_t* sent_at = calloc(asked.window, sizeof *sent_at);
  uint64_t sent = 0;
  uint64_t confirmed = 0;
  uint64_t now = now_ns();
  struct times all = times_from(&asked, now);
  while (now < all.end) {
    for (; sent - confirmed < asked.window; ++sent) {
      sent_at[sent % asked.window] = now;
      put(to);
    }
    const uint64_t upto = await_confirm(to, confirmed);
    for (now = now_ns(); confirmed < upto; ++confirmed) {
      add_time(&all, sent_at[confirmed % asked.window], now);
    }
  }
  print_times("rabbitmq", &all, &asked);
}

static void consume(void) {
  amqp_connection_state_t from = dial();
  make_queue(from);
  amqp_basic_qos(from, channel, 0, fetch_max, 0);
  check(amqp_get_rpc_reply(from), "prefetch");
  amqp_basic_consume(
      from, channel, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  check(amqp_get_rpc_reply(from), "consume");
  between->is_ready = true;
  uint64_t got = 0;
  while (!between->is_all || got < between->published) {
    amqp_envelope_t one;
    struct timeval patience = {0, 5000};
    const amqp_rpc_reply_t how = amqp_consume_message(from, &one, &patience, 0);
    if (how.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
        && how.library_error == AMQP_STATUS_TIMEOUT) {
      continue;
    }
    check(how, "message");
    if (amqp_basic_ack(from, channel, one.delivery_tag, 0) != AMQP_STATUS_OK) {
      give_up("acknowledge", "refused");
    }
    amqp_destroy_envelope(&one);
    if (++got % 256 == 0) {
      amqp_maybe_release_buffers(from);
    }
  }
  /* Answered when all that was sent before it is dealt with. */
  check(amqp_channel_close(from, channel, AMQP_REPLY_SUCCESS), "close");
  print_flow("rabbitmq", &asked, got, between->first_ns, now_ns());
}

static void publish_until(uint64_t end) {
  amqp_connection_state_t to = dial();
  ask_for_confirms(to);
  uint64_t sent = 0;
  uint64_t confirmed = 0;
  between->first_ns = now_ns();
  while (now_ns() < end) {
    for (; sent - confirmed < asked.window; ++sent) {
      put(to);
    }
    confirmed = await_confirm(to, confirmed);
  }
  while (confirmed < sent) {
    confirmed = await_confirm(to, confirmed);
  }
  between->published = sent;
  between->is_all = true;
}

int main(int count, char** words) {
  if (count != 6 && count != 8) {
    fprintf(
        stderr,
        "usage: rabbitmq_events PORT publish|flow WINDOW SECONDS WARM_UP [classic|quorum MEMBERS]\n");
    return 2;
  }
  if (count == 8) {
    kind = words[6];
    members = atoi(words[7]);
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
