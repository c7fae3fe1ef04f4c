#pragma once

#include "runtime/contract/interaction_draft.hpp"
#include "runtime/contract/mock_provider.hpp"
#include "runtime/contract/typed_json.hpp"

#include <cstddef>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace troupe::contract {

/// The pact of a consumer: what its test says of a provider, while the consumer's own code is run
/// against it.
///
/// First the interactions are described, then the consumer is run: over HTTP against `url()`, with
/// events by `deliver`, with calls by `call`. `finish` writes the file. One thread, but for what
/// asks over HTTP.
class consumer_pact {
public:
  /// @param folder where CONSUMER-PROVIDER.json is kept.
  consumer_pact(std::string consumer, std::string provider, std::filesystem::path folder);

  consumer_pact(const consumer_pact&) = delete;
  consumer_pact& operator=(const consumer_pact&) = delete;
  ~consumer_pact() = default;

  /// Begins another interaction, by a state of the provider or without any.
  interaction_draft& given(std::string_view state, json params = json::object());
  interaction_draft& upon(std::string_view description);

  /// The base of a provider over HTTP that does what was described. Nothing may be described after
  /// this.
  /// @errors `invalid`: a description cannot be used; `unavailable`: no port can be had.
  outcome<std::string> url();

  /// Hands the event that was described as `description` to the consumer's handler, as the message
  /// that the runtime would hand it.
  /// @errors `invalid`: there is no such event, or it is no `Event`; and what `handler` answers.
  template <wire::message Event, class Handler>
  outcome<void> deliver(std::string_view description, const Handler& handler) {
    TROUPE_TRY(const auto which, event_called(description));
    TROUPE_TRY(const auto event, from_json_text<Event>(contents_of(which)));
    if constexpr (std::is_void_v<std::invoke_result_t<Handler, const Event&>>) {
      handler(event);
    } else if (auto done = handler(event); !done) {
      return done;
    }
    done_[which] = true;
    return {};
  }

  /// Answers a call of the consumer as was described.
  /// @errors `invalid`: no call of that operation with such a request was described, and where it
  /// differs; or the reply is no `Reply`.
  template <wire::message Reply, wire::message Request>
  outcome<Reply> call(std::string_view operation, const Request& request) {
    TROUPE_TRY(const auto asked, to_json_text(request));
    const auto reply = reply_text(operation, asked);
    return reply ? from_json_text<Reply>(*reply) : failure{reply.error()};
  }

  /// Writes the interactions into the file, if all of them took place and nothing else did.
  /// @errors `invalid`: what did not take place, or what did although nobody spoke of it; and
  /// those of `merge_into_file`. Nothing is written then.
  outcome<void> finish();

  std::filesystem::path file() const;

private:
  outcome<void> begin();
  /// The number of the event that was described so; of several, the first that is not delivered.
  outcome<std::size_t> event_called(std::string_view description);
  std::string contents_of(std::size_t event) const;
  outcome<std::string> reply_text(std::string_view operation, const std::string& request);

  const std::string consumer_;
  const std::string provider_;
  const std::filesystem::path folder_;
  std::deque<interaction_draft> drafts_;
  std::vector<interaction> expected_;
  /// Whether each of them took place, over HTTP aside.
  std::vector<bool> done_;
  std::vector<std::string> strangers_;
  std::unique_ptr<mock_provider> provider_over_http_;
};

} // namespace troupe::contract
