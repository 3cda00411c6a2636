// Messages of dynamic authorization (TS-0003 7.3.2): what is read is written and read again as the same.
// Input: one letter for the form (s securityInfo, q tqf, a ati, g token grant, r secured token request),
// then JSON.
#include <cstdint>
#include <cstdlib>

#include "latchkey/base/bytes.h"
#include "latchkey/codec/dynamic_authorization.h"

namespace {

using namespace latchkey;

const TimePoint kNow{std::chrono::seconds(1'510'570'800)};

void require(bool holds) {
  if (!holds) std::abort();
}

/// A circle goes through decimal text, which may move its last bit.
bool has_circle(const codec::DasRequest& request) {
  return request.originator_location && request.originator_location->circle;
}

void message(const codec::json::value& value) {
  const auto read = codec::read_das_message(value, kNow);
  if (!read) return require(!read.error().detail.empty());
  const auto written =
      std::visit([](const auto& message) { return codec::to_security_info(message); }, *read);
  const auto again = codec::read_das_message(written, kNow);
  require(again.has_value());
  const auto* request = std::get_if<codec::DasRequest>(&*read);
  if (request == nullptr || !has_circle(*request)) require(*again == *read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto value = codec::parse_json(latchkey::as_text({data + 1, size - 1}), {});
  if (!value) return 0;
  switch (data[0]) {
    case 's':
      message(*value);
      break;
    case 'q':
      if (const auto read = codec::read_token_request_info(*value, kNow))
        require(codec::read_token_request_info(codec::to_token_request_info(*read), kNow).has_value());
      break;
    case 'a':
      if (const auto read = codec::read_local_token_ids(*value))
        require(codec::read_local_token_ids(codec::to_local_token_ids(*read)).value() == *read);
      break;
    case 'g':
      if (const auto read = codec::read_token_grant(*value))
        require(codec::read_token_grant(codec::to_content(*read)).has_value());
      break;
    case 'r':
      if (const auto read = codec::read_secured_token_request(*value)) {
        const codec::DasInfo das{.uri = "https://a.example/-", .request = {}, .secured_request = *read};
        require(codec::read_secured_token_request(codec::token_question(das)).value() == *read);
      }
      break;
    default:
      break;
  }
  return 0;
}
