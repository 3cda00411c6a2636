#include "latchkey/e2e/rand_object.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "latchkey/codec/primitive.h"
#include "latchkey/crypto/crypto.h"
#include "members.h"

namespace latchkey::e2e {
namespace {

constexpr std::uint16_t kFirstProtocol = 10;
constexpr std::size_t kValueOctets = 16;
constexpr std::size_t kIdOctets = 10;

/// RFC 4648 6, lower case: an xs:NCName behind the mark.
std::string base32(ByteView octets) {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const std::uint8_t octet : octets) {
    bits = bits << 8U | octet;
    for (count += 8; count >= 5; count -= 5) out += alphabet[bits >> (count - 5) & 0x1FU];
  }
  return out;
}

/// xs:NCName opens with no digit, so plain hexadecimal would not do.
std::string random_value() {
  std::string out = "r" + to_hex(crypto::random_bytes(kValueOctets));
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'F' ? char(c + 32) : c; });
  return out;
}

json::array list_of(std::span<const jose::Enc> encs) {
  json::array list;
  for (const jose::Enc enc : encs) list.emplace_back(protocol_and_alg(enc));
  return list;
}

codec::Outcome<std::string> read_ncname(const json::object& members, std::string_view name, std::size_t least,
                                        std::size_t most) {
  const auto text = text_member(members, name);
  if (!text) return refuse_member(name, "missing or no text");
  if (text->size() < least || text->size() > most || !is_ncname(*text))
    return refuse_member(name, "not an xs:NCName of acceptable length");
  return std::string(*text);
}

codec::Outcome<TimePoint> read_expiry(const json::object& members, TimePoint now) {
  const auto text = text_member(members, "esrx");
  if (!text) return refuse_member("esrx", "missing or no text");
  const auto time = parse_abs_rel_timestamp(*text, now);
  if (!time) return refuse_member("esrx", time.error().detail);
  return *time;
}

codec::Outcome<std::uint16_t> read_algorithm(const json::value& value, std::string_view name) {
  const auto number = integer(value, 1, 999);
  if (!number) return refuse_member(name, "not an algorithm identifier");
  return static_cast<std::uint16_t>(*number);
}

codec::Outcome<std::vector<std::uint16_t>> read_list(const json::object& members, std::string_view name) {
  const json::value* const value = members.if_contains(name);
  if (value == nullptr || !value->is_array()) return refuse_member(name, "missing or no list");
  const json::array& entries = value->get_array();
  if (entries.empty() || entries.size() > kRandListEntriesMax)
    return refuse_member(name, "not of 1 to " + std::to_string(kRandListEntriesMax) + " entries");
  std::vector<std::uint16_t> list;
  for (const json::value& entry : entries) {
    const auto algorithm = read_algorithm(entry, name);
    if (!algorithm) return refuse(algorithm.error());
    list.push_back(*algorithm);
  }
  return list;
}

/// esk, or an esks of one entry.
codec::Outcome<std::vector<std::uint16_t>> read_one_algorithm(const json::object& members) {
  const json::value* const one = members.if_contains("esk");
  if (one != nullptr && members.contains("esks")) return refuse_member("esks", "stands beside esk");
  if (one != nullptr) {
    const auto algorithm = read_algorithm(*one, "esk");
    if (!algorithm) return refuse(algorithm.error());
    return std::vector{*algorithm};
  }
  if (!members.contains("esks")) return refuse_member("esk", "missing");
  auto list = read_list(members, "esks");
  if (list && list->size() != 1) return refuse_member("esks", "more than one algorithm of an originator");
  return list;
}

}  // namespace

std::uint16_t protocol_and_alg(jose::Enc enc) noexcept {
  return static_cast<std::uint16_t>(kFirstProtocol + static_cast<std::uint16_t>(enc));
}

bool RandObject::offers(jose::Enc enc) const noexcept {
  return std::ranges::find(protocol_and_algs_, protocol_and_alg(enc)) != protocol_and_algs_.end();
}

codec::Outcome<RandObject> RandObject::read_common(json::value&& value, TimePoint now) {
  if (!value.is_object()) return codec::refuse(codec::Rsc::bad_request, "not an object");
  RandObject out;
  out.members_ = std::move(value.get_object());
  auto id = read_ncname(out.members_, "esri", 1, kRandIdOctetsMax);
  if (!id) return refuse(id.error());
  const auto random = read_ncname(out.members_, "esrv", kRandValueOctetsMin, kRandValueOctetsMax);
  if (!random) return refuse(random.error());
  const auto end = read_expiry(out.members_, now);
  if (!end) return refuse(end.error());
  auto algorithms = read_list(out.members_, "espa");
  if (!algorithms) return refuse(algorithms.error());
  out.id_ = std::move(*id);
  out.end_ = *end;
  out.protocol_and_algs_ = std::move(*algorithms);
  out.text_.reserve(192);
  codec::append_text(out.text_, out.members_);
  if (out.text_.size() > kRandObjectOctetsMax)
    return codec::refuse(codec::Rsc::bad_request,
                         "more than " + std::to_string(kRandObjectOctetsMax) + " octets");
  return out;
}

json::object RandObject::make_common(char mark, TimePoint end) {
  return {{"esri", std::string{mark, '-'} + base32(crypto::random_bytes(kIdOctets))},
          {"esrv", random_value()},
          {"esrx", format_timestamp(end)}};
}

codec::Outcome<ReceiverRandObject> ReceiverRandObject::read(json::value value, TimePoint now) {
  auto common = read_common(std::move(value), now);
  if (!common) return refuse(common.error());
  ReceiverRandObject out(std::move(*common));
  auto algorithms = read_list(out.members_, "esks");
  if (!algorithms) return refuse(algorithms.error());
  out.key_gen_algs_ = std::move(*algorithms);
  return out;
}

ReceiverRandObject ReceiverRandObject::make(bool shared, TimePoint end, std::span<const jose::Enc> encs) {
  json::object members = make_common(shared ? 'S' : 'U', end);
  members["esks"] = json::array{kKeyGenHmacSha256};
  members["espa"] = list_of(encs);
  auto made = read(std::move(members), TimePoint());
  if (!made) broken_invariant("a rand object of ours is not one");
  return std::move(*made);
}

codec::Outcome<OriginatorRandObject> OriginatorRandObject::read(json::value value, TimePoint now) {
  auto common = read_common(std::move(value), now);
  if (!common) return refuse(common.error());
  OriginatorRandObject out(std::move(*common));
  auto algorithm = read_one_algorithm(out.members_);
  if (!algorithm) return refuse(algorithm.error());
  out.key_gen_algs_ = std::move(*algorithm);
  return out;
}

OriginatorRandObject OriginatorRandObject::make(TimePoint end, std::span<const jose::Enc> encs) {
  json::object members = make_common('U', end);
  members["esk"] = kKeyGenHmacSha256;
  members["espa"] = list_of(encs);
  auto made = read(std::move(members), TimePoint());
  if (!made) broken_invariant("a rand object of ours is not one");
  return std::move(*made);
}

}  // namespace latchkey::e2e
