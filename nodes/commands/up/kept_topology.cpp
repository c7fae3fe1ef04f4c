#include "nodes/commands/up/kept_topology.hpp"

#include "nodes/actor_types.hpp"
#include "nodes/commands/plan_file.hpp"
#include "topology/read.hpp"

#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <variant>

namespace troupe {

kept_topology::kept_topology(std::string file, std::string text, topology::plan plan)
    : file_{std::move(file)}, text_{std::move(text)}, plan_{std::move(plan)}, seen_{look_at(file_)},
      told_{text_} {
}

or_exit<kept_topology> kept_topology::read(const std::string& file, bool json) {
  auto text = topology::read_text(file);
  if (const auto* const found = std::get_if<topology::faults>(&text)) {
    print_faults(*found, json);
    return tl::unexpected{exit_code::faults};
  }
  auto& read = std::get<std::string>(text);
  auto plan = load_text(read, file, json);
  if (!plan) {
    return tl::unexpected{plan.error()};
  }
  kept_topology made{file, std::move(read), std::move(*plan)};
  // Without close-on-exec, since child processes read it.
  made.descriptor_ = ::memfd_create("topology", 0);
  if (made.descriptor_ < 0
      || ::write(made.descriptor_, made.text_.data(), made.text_.size())
             != static_cast<ssize_t>(made.text_.size())) {
    return tl::unexpected{
        print_error(internal_error("the system has no room for the topology's text"), json)};
  }
  return made;
}

struct stat kept_topology::look_at(const std::string& file) {
  struct stat found {};

  struct stat none {};

  return ::stat(file.c_str(), &found) == 0 && S_ISREG(found.st_mode) ? found : none;
}

std::optional<std::string> kept_topology::news() {
  const struct stat now = look_at(file_);
  const bool is_same = now.st_mtim.tv_sec == seen_.st_mtim.tv_sec
                       && now.st_mtim.tv_nsec == seen_.st_mtim.tv_nsec && now.st_ino == seen_.st_ino
                       && now.st_size == seen_.st_size;
  if (is_same || now.st_ino == 0) {
    return std::nullopt; // A file that is missing for a moment is being replaced.
  }
  seen_ = now;
  const auto read = topology::read_text(file_);
  const auto* const text = std::get_if<std::string>(&read);
  if (text == nullptr || *text == told_) {
    return std::nullopt;
  }
  told_ = *text;
  if (*text == text_) {
    return "it is again what runs";
  }
  const auto changed = topology::read(*text, file_, actor_types());
  const auto* const plan = std::get_if<topology::plan>(&changed);
  return change_text(plan_.digest, plan == nullptr ? std::nullopt : std::optional{plan->digest});
}

std::string change_text(std::uint64_t digest, const std::optional<std::uint64_t>& now) {
  constexpr auto meanwhile = "; what was read at the start stays in force";
  if (!now) {
    return std::string{"it has faults now: `troupe check` says which"} + meanwhile;
  }
  return std::string{
             *now == digest ? "brokers and workers would run the same"
                            : "brokers and workers would run something else"}
         + meanwhile + " until `troupe up` is started again";
}

} // namespace troupe
