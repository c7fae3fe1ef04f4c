#include "runtime/worker/write.hpp"

#include "runtime/wire/envelope.hpp"

namespace troupe {

void set_error(answer& to, const error& why) {
  to.is = answer::kind::error;
  to.bytes.clear();
  wire::append_error(to.bytes, why);
}

void fail(write& each, const error& why) {
  each.failed = why.code;
  set_error(each.result, why);
}

bool fail_if_late(write& each, instant began) {
  if (each.what->deadline > began) {
    return false;
  }
  fail(each, {.code = errc::deadline_exceeded, .message = "the time was up before it was begun"});
  return true;
}

} // namespace troupe
