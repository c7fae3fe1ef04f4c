#include "actors/echo/echo.hpp"

#include "actors/echo/messages.hpp"

namespace troupe::echo {

echo_actor::echo_actor(const context&) {
  query("echo", [](const said& request) { return request; });
  command("say", [](const said& request, turn&) { return request; });
}

} // namespace troupe::echo
