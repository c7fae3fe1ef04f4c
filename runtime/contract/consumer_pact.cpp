#include "runtime/contract/consumer_pact.hpp"

#include "runtime/contract/comparison.hpp"
#include "runtime/contract/pact_file.hpp"

#include <fmt/format.h>
#include <optional>
#include <utility>

namespace troupe::contract {

namespace {

std::string lines_of(const differences& found) {
  std::string text;
  for (const difference& each : found) {
    text += fmt::format("\n  {}: {}", each.where, each.what);
  }
  return text;
}

} // namespace

consumer_pact::consumer_pact(
    std::string consumer, std::string provider, std::filesystem::path folder)
    : consumer_{std::move(consumer)}, provider_{std::move(provider)}, folder_{std::move(folder)} {
}

std::filesystem::path consumer_pact::file() const {
  return folder_ / (consumer_ + "-" + provider_ + ".json");
}

interaction_draft& consumer_pact::given(std::string_view state, json params) {
  return drafts_.emplace_back().given(state, std::move(params));
}

interaction_draft& consumer_pact::upon(std::string_view description) {
  return drafts_.emplace_back().upon(description);
}

outcome<void> consumer_pact::begin() {
  for (std::size_t i = expected_.size(); i < drafts_.size(); ++i) {
    if (provider_over_http_) {
      return failure{invalid("an interaction was described after the provider had started")};
    }
    TROUPE_TRY(auto read, drafts_[i].read());
    expected_.push_back(std::move(read));
    done_.push_back(false);
  }
  return {};
}

outcome<std::string> consumer_pact::url() {
  TROUPE_CHECK(begin());
  if (!provider_over_http_) {
    TROUPE_TRY(provider_over_http_, mock_provider::start(expected_));
  }
  return provider_over_http_->url();
}

outcome<std::size_t> consumer_pact::event_called(std::string_view description) {
  TROUPE_CHECK(begin());
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < expected_.size(); ++i) {
    const bool is_it = std::holds_alternative<message>(expected_[i].what)
                       && expected_[i].description == description;
    if (is_it && (!found || (done_[*found] && !done_[i]))) {
      found = i;
    }
  }
  if (!found) {
    return failure{invalid(fmt::format("no event was described as `{}`", description))};
  }
  return *found;
}

std::string consumer_pact::contents_of(std::size_t event) const {
  const auto& contents = std::get<message>(expected_[event].what).contents;
  return contents ? contents->bytes : "{}";
}

outcome<std::string>
consumer_pact::reply_text(std::string_view operation, const std::string& request) {
  TROUPE_CHECK(begin());
  const actual_message asked{"application/json", request, {{"operation", operation}}};
  std::string told = fmt::format("a call of {} was not spoken of", operation);
  for (std::size_t i = 0; i < expected_.size(); ++i) {
    const auto* const exchange = std::get_if<call_exchange>(&expected_[i].what);
    if (exchange == nullptr || exchange->request.metadata["operation"] != operation) {
      continue;
    }
    const differences found = compare(exchange->request, asked, true);
    if (found.empty()) {
      done_[i] = true;
      return exchange->reply.contents ? exchange->reply.contents->bytes : "{}";
    }
    told += fmt::format("; from `{}` it differs:{}", title_of(expected_[i]), lines_of(found));
  }
  strangers_.push_back(told);
  return failure{invalid(std::move(told))};
}

outcome<void> consumer_pact::finish() {
  TROUPE_CHECK(begin());
  std::vector<bool> done = done_;
  std::vector<std::string> faults = strangers_;
  if (provider_over_http_) {
    const auto asked = provider_over_http_->asked();
    for (std::size_t i = 0; i < done.size(); ++i) {
      done[i] = done[i] || asked[i];
    }
    const auto more = provider_over_http_->strangers();
    faults.insert(faults.end(), more.begin(), more.end());
  }
  std::vector<json> added;
  for (std::size_t i = 0; i < expected_.size(); ++i) {
    if (!done[i]) {
      faults.push_back(fmt::format("`{}` did not take place", title_of(expected_[i])));
    }
    added.push_back(drafts_[i].file_form());
  }
  if (!faults.empty()) {
    return failure{invalid(fmt::format(
        "the contract of {} with {} is not written: {}",
        consumer_,
        provider_,
        fmt::join(faults, "\n")))};
  }
  return merge_into_file(file(), consumer_, provider_, added);
}

} // namespace troupe::contract
