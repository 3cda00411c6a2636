#include "support/generator.h"

namespace latchkey::bind::test {

using codec::Operation;

std::string Generator::pick(std::initializer_list<const char*> pieces, std::size_t most) {
  std::string out;
  for (std::size_t n = number(1, most); n > 0; --n) out += std::data(pieces)[number(0, pieces.size() - 1)];
  return out;
}

/// Printable, blanks inside only.
std::string Generator::field_text() {
  return "x" + pick({"a", "Z", "7", " ", "\"", "\\", "/", ":", ",", "&", "%41", "~"}, 10) + "x";
}
std::string Generator::name() { return pick({"a", "Z", "7", "-", "_", "."}, 8); }
std::string Generator::token() {
  return pick({"a", "Z", "7", "ä", "€", "%", "*", ".", "-", "&", "=", ":", "/", "?", "#"}, 8);
}
std::string Generator::address() {
  const std::string tail = "c" + pick({"a", "Z", "7", "-", "_", ".", "/", "%", "@", "%2F", "~", " x"}, 12);
  switch (number(0, 2)) {
    case 0:
      return "//sp.example/" + tail;
    case 1:
      return "/" + tail;
    default:
      return tail;
  }
}
TimePoint Generator::time() {
  return TimePoint(std::chrono::seconds(number(1'000'000'000, 4'000'000'000))) +
         std::chrono::microseconds(coin() ? 0 : number(1, 999'999));
}

codec::json::value Generator::content() {
  return codec::json::object{
      {"m2m:" + name(), codec::json::object{{"rn", token()}, {"st", number(0, 1000)}}}};
}

codec::FilterCriteria Generator::filter() {
  codec::FilterCriteria criteria;
  criteria.created_before = maybe([&] { return time(); });
  criteria.modified_since = maybe([&] { return time(); });
  criteria.size_above = maybe([&] { return number(0, 100000); });
  criteria.labels = list([&] { return token(); });
  criteria.types = list([&] { return static_cast<std::uint32_t>(number(1, 60)); });
  if (coin()) criteria.content_types = {"application/vnd.onem2m-res+json", "text/plain"};
  if (coin()) criteria.attributes = {{"rn", token()}, {"cr", "*"}};
  criteria.usage = codec::FilterUsage::discovery;
  criteria.limit = maybe([&] { return static_cast<std::uint32_t>(number(1, 1000)); });
  criteria.any = coin();
  return criteria;
}

codec::RequestPrimitive Generator::request() {
  codec::RequestPrimitive request;
  request.op = static_cast<Operation>(number(1, 5));
  request.to = address();
  if (coin()) request.from = field_text();
  request.rqi = field_text();
  if (request.op == Operation::create) request.ty = static_cast<std::uint32_t>(number(1, 60));
  const bool carries =
      request.op == Operation::create || request.op == Operation::update || request.op == Operation::notify;
  if (carries && coin()) request.pc = content();
  request.rvi = maybe([&] { return std::string(coin() ? "2a" : "3"); });
  request.rcn = maybe([&] { return static_cast<codec::ResultContent>(number(0, 9)); });
  request.rt = maybe([&] { return static_cast<codec::ResponseMode>(number(1, 4)); });
  request.rt_targets = list([&] { return "http://h/" + name(); });
  request.ot = maybe([&] { return time(); });
  request.rqet = maybe([&] { return time(); });
  request.rset = maybe([&] { return time(); });
  request.oet = maybe([&] { return time(); });
  request.gid = maybe([&] { return field_text(); });
  request.vsi = maybe([&] { return field_text(); });
  request.ec = maybe([&] { return static_cast<std::uint32_t>(number(1, 999)); });
  request.da = maybe([&] { return coin(); });
  request.tqi = maybe([&] { return coin(); });
  request.drt = maybe([&] { return static_cast<std::uint8_t>(number(1, 2)); });
  request.rids = list([&] { return name(); });
  request.tids = list([&] { return name(); });
  request.ltids = list([&] { return name(); });
  request.tkns = list([&] { return name() + "." + name(); });
  request.atrl = list([&] { return name(); });
  if (coin()) request.fc = filter();
  return request;
}

codec::ResponsePrimitive Generator::response() {
  codec::ResponsePrimitive response;
  response.rsc = coin() ? codec::Rsc::created : static_cast<codec::Rsc>(number(1000, 6999));
  response.rqi = field_text();
  if (coin()) response.pc = content();
  if (coin()) response.from = field_text();
  response.ot = maybe([&] { return time(); });
  response.rset = maybe([&] { return time(); });
  response.rvi = maybe([&] { return std::string("3"); });
  response.vsi = maybe([&] { return field_text(); });
  response.ec = maybe([&] { return static_cast<std::uint32_t>(number(1, 999)); });
  response.cnst = maybe([&] { return static_cast<std::uint32_t>(number(1, 2)); });
  response.cnot = maybe([&] { return static_cast<std::uint32_t>(number(1, 1000)); });
  if (coin()) {
    codec::json::array pairs;
    for (auto n = number(1, 3); n > 0; --n)
      pairs.push_back(codec::json::object{{"lti", name()}, {"tkid", name() + ":" + name()}});
    response.ati = codec::json::object{{"ltia", std::move(pairs)}};
  }
  if (coin()) response.content_location = address();
  if (response.content_location.ends_with(' ')) response.content_location.clear();
  return response;
}

}  // namespace latchkey::bind::test
