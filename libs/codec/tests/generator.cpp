#include "support/generator.h"

namespace latchkey::codec::test {

std::string Generator::pick(std::initializer_list<const char*> pieces, std::size_t most) {
  std::string out;
  for (std::size_t n = number(1, most); n > 0; --n) out += std::data(pieces)[number(0, pieces.size() - 1)];
  return out;
}

std::string Generator::any_text() {
  return pick(
      {"a", "Z", "7", " ", "\"", "\\", "/", "\n", "\t", "\x01", "\x7f", "ä", "€", "𝄞", "}", "]", "+", "&"},
      12);
}
std::string Generator::text() {
  return pick({"a", "Z", "7", " ", "\"", "\\", "/", "ä", "€", "𝄞", "}", "]", "+", "&", "="}, 12);
}
std::string Generator::token() {
  return pick({"a", "Z", "7", "\"", "\\", "/", "ä", "€", "𝄞", "*", ".", "-", "&", "="}, 12);
}

TimePoint Generator::time() {
  const auto seconds = std::chrono::seconds(number(1'000'000'000, 4'000'000'000));
  return TimePoint(seconds) + std::chrono::microseconds(coin() ? 0 : number(1, 999'999));
}

std::vector<std::string> Generator::tokens() {
  std::vector<std::string> out(number(0, 4));
  for (auto& entry : out) entry = token();
  return out;
}

json::value Generator::any_value(int depth) {
  switch (number(0, depth > 0 ? 7 : 5)) {
    case 0:
      return nullptr;
    case 1:
      return coin();
    case 2:
      return static_cast<std::int64_t>(number(0, 1'000'000)) - 500'000;
    case 3:
      return number(0, UINT64_MAX);
    case 4:
      return static_cast<double>(number(1, 1'000'000)) / 1024.0;
    case 5:
      return json::string(any_text());
    case 6: {
      json::array array;
      for (auto n = number(0, 4); n > 0; --n) array.push_back(any_value(depth - 1));
      return array;
    }
    default: {
      json::object object;
      for (auto n = number(0, 4); n > 0; --n) object[any_text()] = any_value(depth - 1);
      return object;
    }
  }
}

json::value Generator::content() { return json::object{{"m2m:" + token(), any_value(3)}}; }

FilterCriteria Generator::criteria() {
  FilterCriteria fc;
  const auto any_time = [this] { return time(); };
  const auto count = [this] { return number(0, INT64_MAX); };
  const auto page = [this] { return number(1, UINT32_MAX); };
  maybe(fc.created_before, any_time);
  maybe(fc.created_after, any_time);
  maybe(fc.modified_since, any_time);
  maybe(fc.unmodified_since, any_time);
  maybe(fc.expire_before, any_time);
  maybe(fc.expire_after, any_time);
  maybe(fc.state_tag_smaller, count);
  maybe(fc.state_tag_bigger, count);
  maybe(fc.size_above, count);
  maybe(fc.size_below, count);
  fc.labels = tokens();
  for (auto n = number(0, 3); n > 0; --n) fc.types.push_back(static_cast<std::uint32_t>(number(1, 10'100)));
  for (auto n = number(0, 3); n > 0; --n)
    fc.content_types.emplace_back(coin() ? "application/vnd.onem2m-res+json" : "text/plain");
  for (auto n = number(0, 3); n > 0; --n) fc.attributes.emplace_back(coin() ? "rn" : "cnf", text());
  maybe(fc.usage, [this] { return number(1, 3); });
  maybe(fc.limit, page);
  maybe(fc.level, page);
  maybe(fc.offset, page);
  fc.any = coin();
  return fc;
}

RequestPrimitive Generator::request() {
  RequestPrimitive r;
  const auto any_time = [this] { return time(); };
  r.op = static_cast<Operation>(number(1, 5));
  r.to = token();
  if (coin()) r.from = text();
  r.rqi = text();
  maybe(r.ty, [this] { return number(1, UINT32_MAX); });
  maybe(r.rvi, [this] { return std::string(coin() ? "2a" : "3"); });
  maybe(r.rcn, [this] { return number(0, 9); });
  maybe(r.rt, [this] { return number(1, 4); });
  if (r.rt) r.rt_targets = tokens();
  maybe(r.ot, any_time);
  maybe(r.rqet, any_time);
  maybe(r.rset, any_time);
  maybe(r.oet, any_time);
  maybe(r.rp, [this] { return coin() ? "20301231T235959" : std::to_string(number(0, 100'000)); });
  maybe(r.gid, [this] { return text(); });
  maybe(r.vsi, [this] { return text(); });
  maybe(r.ec, [this] { return event_category(); });
  maybe(r.da, [this] { return coin(); });
  maybe(r.tqi, [this] { return coin(); });
  maybe(r.fc, [this] { return criteria(); });
  maybe(r.drt, [this] { return number(1, 2); });
  r.rids = tokens();
  r.tkns = tokens();
  r.tids = tokens();
  r.ltids = tokens();
  if (coin()) r.pc = content();
  if (r.op == Operation::retrieve && r.pc.is_null()) r.atrl = tokens();
  return r;
}

ResponsePrimitive Generator::response() {
  ResponsePrimitive r;
  const auto any_time = [this] { return time(); };
  r.rsc = static_cast<Rsc>(number(1000, 6999));
  r.rqi = text();
  if (coin()) r.pc = content();
  if (coin()) r.to = token();
  if (coin()) r.from = text();
  maybe(r.ot, any_time);
  maybe(r.rset, any_time);
  maybe(r.rvi, [] { return std::string("3"); });
  maybe(r.vsi, [this] { return text(); });
  maybe(r.ec, [this] { return event_category(); });
  maybe(r.cnst, [this] { return number(1, 2); });
  maybe(r.cnot, [this] { return number(1, UINT32_MAX); });
  if (coin()) r.ati = json::object{{"ltia", any_value(2)}};
  if (coin()) r.tqf = json::object{{"dasi", any_value(2)}};
  return r;
}

}  // namespace latchkey::codec::test
