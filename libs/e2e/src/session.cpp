#include "session.h"

#include <algorithm>

#include "latchkey/crypto/crypto.h"

namespace latchkey::e2e {
namespace {

constexpr std::uint64_t kObjectsMax = 1ULL << 32U;

bool lists(const std::vector<std::uint16_t>& list, std::uint16_t algorithm) {
  return std::ranges::find(list, algorithm) != list.end();
}

TimePoint first_of(const PairwiseEsPrimKey& key, const RandObject& a, const RandObject& b) {
  const TimePoint end = std::min(a.end(), b.end());
  return key.end() ? std::min(end, *key.end()) : end;
}

}  // namespace

Session::Session(PairwiseEsPrimKey::Shared pairwise, const ReceiverRandObject& receiver,
                 const OriginatorRandObject& originator, const SecretBytes& key, std::string_view type)
    : pairwise_(std::move(pairwise)),
      type_(type),
      rri_(receiver.id()),
      originator_(originator),
      end_(first_of(*pairwise_, receiver, originator)),
      keys_{key.first(jose::key_bytes(jose::Enc::a128gcm)), key.first(jose::key_bytes(jose::Enc::a192gcm)),
            key.first(jose::key_bytes(jose::Enc::a256gcm))} {
  crypto::random_fill(first_iv_);
}

EsPrimResult<std::shared_ptr<Session>> Session::establish(const PairwiseEsPrimKey::Shared& pairwise,
                                                          const ReceiverRandObject& receiver,
                                                          const OriginatorRandObject& originator,
                                                          TimePoint now, std::string_view type) {
  if (originator.end() <= now)
    return refuse(EsPrimDefect::expired_originator_object, "the originator object has expired");
  if (originator.end() > receiver.end())
    return refuse(EsPrimDefect::late_originator_object,
                  "esrx of oro is later than that of the receiver object");
  const std::uint16_t key_gen = originator.key_gen_algs().front();
  if (key_gen != kKeyGenHmacSha256 || !lists(receiver.key_gen_algs(), key_gen))
    return refuse(EsPrimDefect::key_gen_alg, "esk is not offered");
  for (const std::uint16_t algorithm : originator.protocol_and_algs())
    if (!lists(receiver.protocol_and_algs(), algorithm))
      return refuse(EsPrimDefect::algorithms, "espa of oro is no subset of that of the receiver object");
  const auto key = pairwise->session_key(receiver.octets(), originator.octets());
  if (!key) return refuse(EsPrimDefect::key_store, key.error().detail);
  return std::make_shared<Session>(pairwise, receiver, originator, *key, type);
}

json::object Session::header_members(InnerFormat format) const {
  const auto cty = type_ + (format == InnerFormat::json ? "+json" : "+cbor");
  return {{"kid", pairwise_->id()}, {"cty", cty}, {"ori", ori()}, {"rri", rri()}};
}

const std::string& Session::header(jose::Enc enc, InnerFormat format) const {
  Header& header = headers_.at(static_cast<std::size_t>(format)).at(static_cast<std::size_t>(enc));
  std::call_once(header.made, [&] { header.text = jose::direct_header(enc, header_members(format)); });
  return header.text;
}

std::string Session::header(jose::Enc enc, InnerFormat format, std::string_view name,
                            const RandObject& object) const {
  json::object members = header_members(format);
  members[name] = object.members();
  return jose::direct_header(enc, std::move(members));
}

Result<jose::DirectlyOpened> Session::open(const jose::JweParts& parts, jose::Enc enc) const {
  return jose::open_direct(parts, keys_.at(static_cast<std::size_t>(enc)));
}

Session::Iv Session::iv_after(std::uint64_t count) const noexcept {
  Iv iv = first_iv_;
  for (std::size_t i = iv.size(); i > 0 && count > 0; --i) {
    count += iv.at(i - 1);
    iv.at(i - 1) = static_cast<std::uint8_t>(count);
    count >>= 8U;
  }
  return iv;
}

Result<std::string> Session::seal(std::string_view header, jose::Enc enc, ByteView plaintext) {
  const std::uint64_t count = sealed_.fetch_add(1, std::memory_order_relaxed);
  if (count >= kObjectsMax) return fail(ErrorCode::limit, "2^32 objects under one sessionESPrimKey");
  return jose::seal_direct(header, keys_.at(static_cast<std::size_t>(enc)), iv_after(count), plaintext);
}

}  // namespace latchkey::e2e
