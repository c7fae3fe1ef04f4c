// An actor that compiles, and with WRONG one that must not: a handler leaves its answer to an
// effect where nobody would hear of it.

#include "runtime/actor/actor.hpp"

namespace {

struct thing {
  std::string name;
};

TROUPE_MESSAGE(thing, name)

#ifndef WRONG
#define WRONG 0
#endif

#define QUERY_IS_PENDING 1
#define QUERY_MAY_BE_PENDING 2
#define SETTLE_ASKS_AGAIN 3
#define SETTLE_MAY_ASK_AGAIN 4

class sender final : public troupe::actor {
public:
  sender() {
#if WRONG == QUERY_IS_PENDING
    query("look", [](const thing&) { return troupe::pending{}; });
#elif WRONG == QUERY_MAY_BE_PENDING
    query("look", [](const thing& request, troupe::store::database&) {
      return troupe::outcome<troupe::maybe_later<thing>>{request};
    });
#else
    query("look", [](const thing& request) -> troupe::outcome<thing> { return request; });
#endif
    command("send", [](const thing& request, troupe::turn& turn) -> troupe::maybe_later<thing> {
      return turn.effect("send", request);
    });
    effect<thing>(
        "send",
        [](const thing& request, const troupe::effect_call&) -> troupe::outcome<thing> {
          return request;
        },
        [](const thing& request, const troupe::outcome<thing>& sent, troupe::turn& turn) {
#if WRONG == SETTLE_ASKS_AGAIN
          (void)sent;
          return turn.effect("send", request);
#elif WRONG == SETTLE_MAY_ASK_AGAIN
          return sent ? troupe::maybe_later<thing>{*sent} : turn.effect("send", request);
#else
          (void)turn.effect("send", request); // Whose result is for nobody who waits.
          return sent;
#endif
        });
  }
};

} // namespace

int main() {
  return sender{}.has_effects() ? 0 : 1;
}
