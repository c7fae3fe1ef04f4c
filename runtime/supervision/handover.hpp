#pragma once

/// Tells ThreadSanitizer, which does not see into CAF, what CAF's mailboxes guarantee: everything
/// done before a message was sent has happened before the message is handled, and an actor handles
/// one message after another, on whichever thread. Without ThreadSanitizer all of this is empty.
///
/// An actor is identified by the address of the object that it holds, `inside`.
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

/// Tells checkers of races of a handover. Called after a message to the actor was made and before
/// it is sent.
inline void hand_over([[maybe_unused]] void* inside) {
#ifdef TROUPE_TSAN
  __tsan_release(inside);
#endif
}

/// Tells checkers of races that a handover is taken. Called when the actor has ended.
inline void take_over([[maybe_unused]] void* inside) {
#ifdef TROUPE_TSAN
  __tsan_acquire(inside);
#endif
}

/// Lives while the actor handles one message.
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
