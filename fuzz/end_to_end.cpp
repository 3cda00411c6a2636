// End-to-end parameters and profiles from a TEF or its clients (TS-0003 8.6; decision 0034). Input: 'p' and
// parameters, 'r' and the profile of a request, 'e' and an envelope whose key ids are wanted.
#include <boost/json/parse.hpp>
#include <cstdint>
#include <cstdlib>

#include "latchkey/codec/primitive.h"
#include "latchkey/e2e/end_to_end_credential.h"

namespace {

using namespace latchkey;

void require(bool holds) {
  if (!holds) std::abort();
}

/// What is read comes back as it was written, and makes a credential of one SUID at most.
void parameters(const codec::json::object& members) {
  const auto read = e2e::read_end_to_end_parameters(members);
  if (!read) return require(read.error().code == ErrorCode::invalid_argument);
  require(e2e::read_end_to_end_parameters(e2e::to_json(*read)).value() == *read);
  int fits = 0;
  for (const int suid : {32, 33, 34, 35})
    if (e2e::check_parameters(*read, Suid::from(suid).value())) ++fits;
  require(fits <= 1);
}

void profile(const codec::json::object& members) {
  const auto read = e2e::read_security_profile(members);
  if (!read) return require(read.error().code == ErrorCode::invalid_argument);
  require(e2e::read_security_profile(e2e::to_json(*read)).value() == *read);
  for (const int number : {33, 34, 35}) {
    const auto suid = Suid::from(number).value();
    const auto chosen = e2e::choose(*read, suid);
    if (chosen) require(e2e::satisfies(*chosen, *read, suid).has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 20'000) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'e') {
    static_cast<void>(e2e::key_ids_of_esdata(text));
    static_cast<void>(e2e::key_id_of_esprim(text, TimePoint{}));
    return 0;
  }
  const auto value = codec::parse_json(text, {});
  if (!value || !value->is_object()) return 0;
  if (data[0] == 'p') parameters(value->get_object());
  if (data[0] == 'r') profile(value->get_object());
  return 0;
}
