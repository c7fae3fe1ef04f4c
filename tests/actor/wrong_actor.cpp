// An actor that compiles, and with WRONG one that must not: a handler leaves its answer to an
// effect where nobody would hear of it, or is none that could be called.

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
#define HANDLER_IS_GENERIC 5
#define MESSAGE_BY_VALUE 6
#define MESSAGE_WITHOUT_LINE 7
#define NO_REPLY 8

struct unlisted {
  std::string name;
};

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
#if WRONG == HANDLER_IS_GENERIC
    command("any", [](const auto& request, troupe::turn&) { return request; });
#elif WRONG == MESSAGE_BY_VALUE
    command("any", [](thing request, troupe::turn&) { return request; });
#elif WRONG == MESSAGE_WITHOUT_LINE
    command("any", [](const unlisted&, troupe::turn&) { return thing{}; });
#elif WRONG == NO_REPLY
    command("any", [](const thing&, troupe::turn&){});
#else
    command("any", [](const thing&, troupe::turn&) noexcept { return thing{}; });
    on("any.*", [heard = 0](const thing&, troupe::turn&) mutable noexcept { ++heard; });
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
