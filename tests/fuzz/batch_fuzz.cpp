#include "runtime/wire/batch.hpp"

#include "runtime/wire/check.hpp"
#include "runtime/wire/envelope.hpp"
#include "tests/fuzz/target.hpp"

namespace troupe::fuzz {

namespace {

/// A frame of many envelopes, the way it goes through a broker.
void try_frame(std::string_view frame) {
  if (!wire::batch_reader::is_batch(frame)) {
    return;
  }
  wire::batch_reader envelopes{frame};
  wire::batch_writer again;
  for (wire::envelope_view each; envelopes.next(each);) {
    expect(is_within(each.header, frame) && is_within(each.body, frame));
    again.append(each.header, each.body);
    const auto header = wire::scan_header(each.header);
    const auto body = wire::check(each.body);
    expect(header || header.error().code == errc::invalid);
    expect(body || body.error().code == errc::invalid);
  }
  // What was read is what stands there, up to the first envelope that does not fit.
  if (again.empty()) {
    expect(envelopes.malformed() || frame.size() == 2);
  } else {
    expect(frame.starts_with(again.frame()));
    expect(envelopes.malformed() == (frame.size() != again.bytes()));
  }
}

const target registered{"batch", try_frame};

} // namespace

} // namespace troupe::fuzz
