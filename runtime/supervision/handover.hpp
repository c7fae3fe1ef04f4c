#pragma once

/// What CAF's mailboxes promise, said again for ThreadSanitizer, which does not see into the
/// library: all that was done before a message was sent has happened before it is handled, and one
/// message of an actor is handled before the next, on whichever thread. Nothing but for
/// ThreadSanitizer.
///
/// Each actor is known by the address of what it holds.
#if defined(__SANITIZE_THREAD__)
#define TROUPE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TROUPE_TSAN 1
#endif
#endif

#ifdef TROUPE_TSAN
extern "C" void __tsan_acquire(void* address); // NOLINT(bugprone-reserved-identifier)
extern "C" void __tsan_release(void* address); // NOLINT(bugprone-reserved-identifier)
#endif

namespace troupe::supervision {

/// Before a message to the actor around `inside` is sent, but after it was made.
inline void hand_over([[maybe_unused]] void* inside) {
#ifdef TROUPE_TSAN
  __tsan_release(inside);
#endif
}

/// When the actor around `inside` has ended.
inline void take_over([[maybe_unused]] void* inside) {
#ifdef TROUPE_TSAN
  __tsan_acquire(inside);
#endif
}

/// Around the handling of one message.
class handling {
public:
  explicit handling(void* inside) : inside_{inside} { take_over(inside_); }

  handling(const handling&) = delete;
  handling& operator=(const handling&) = delete;

  ~handling() { hand_over(inside_); }

private:
  void* inside_;
};

} // namespace troupe::supervision
