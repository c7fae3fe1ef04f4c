#include "runtime/transport/curve_keys.hpp"

#include "runtime/contains.hpp"

#include <zmq.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace troupe::transport {

namespace {

// Size of a key as text, including the terminating zero.
constexpr std::size_t z85_bytes = 41;

using z85_text = std::array<char, z85_bytes>;

void wipe(z85_text& text) {
  ::explicit_bzero(text.data(), text.size());
}

} // namespace

curve_secret_key::~curve_secret_key() {
  ::explicit_bzero(bytes.data(), bytes.size());
}

curve_pair make_curve_pair() {
  z85_text open{};
  z85_text secret{};
  if (zmq_curve_keypair(open.data(), secret.data()) != 0) {
    throw std::runtime_error{"libzmq was built without CURVE; install one that has it"};
  }
  curve_pair made;
  (void)zmq_z85_decode(made.public_key.data(), open.data());
  (void)zmq_z85_decode(made.secret_key.bytes.data(), secret.data());
  wipe(secret);
  return made;
}

curve_public_key public_key_of(const curve_secret_key& secret) {
  z85_text open{};
  z85_text text{};
  (void)zmq_z85_encode(text.data(), secret.bytes.data(), secret.bytes.size());
  const bool is_known = zmq_curve_public(open.data(), text.data()) == 0;
  wipe(text);
  if (!is_known) {
    throw std::runtime_error{"libzmq was built without CURVE; install one that has it"};
  }
  curve_public_key key{};
  (void)zmq_z85_decode(key.data(), open.data());
  return key;
}

std::string to_z85(const std::array<std::uint8_t, 32>& key) {
  z85_text text{};
  (void)zmq_z85_encode(text.data(), key.data(), key.size());
  std::string result{text.data()};
  wipe(text);
  return result;
}

std::optional<std::array<std::uint8_t, 32>> key_of_z85(std::string_view text) {
  if (text.size() != z85_bytes - 1) {
    return std::nullopt;
  }
  // zmq_z85_decode accepts characters that are not in the Z85 alphabet (libzmq 4.3.4 reads them as
  // 0xFF), so encode the result again and compare it with the input.
  z85_text copy{};
  std::ranges::copy(text, copy.begin());
  std::array<std::uint8_t, 32> key{};
  const bool is_read = std::ranges::all_of(text, [](char c) { return c > 32 && c < 127; })
                       && zmq_z85_decode(key.data(), copy.data()) != nullptr;
  wipe(copy);
  if (!is_read || to_z85(key) != text) {
    return std::nullopt;
  }
  return key;
}

bool is_example_key(const std::array<std::uint8_t, 32>& key) {
  constexpr std::array<std::string_view, 4> examples{
      "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
      "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
      "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
      "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"};
  return key == std::array<std::uint8_t, 32>{} || contains(examples, to_z85(key));
}

} // namespace troupe::transport
