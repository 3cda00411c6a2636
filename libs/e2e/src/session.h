#pragma once
/// One sessionESPrimKey and what it may be used for (TS-0003 8.4.2 B.2h, C.6b). Immutable but for the IV
/// counter; thread-safe.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "latchkey/crypto/crypto.h"
#include "latchkey/e2e/esprim.h"
#include "latchkey/e2e/pairwise_key.h"
#include "latchkey/jose/jwe.h"

namespace latchkey::e2e {

class Session {
 public:
  /// `key` of 32 octets. The session ends with the first of pairwise key, receiver and originator object.
  Session(PairwiseEsPrimKey::Shared pairwise, const ReceiverRandObject& receiver,
          const OriginatorRandObject& originator, const SecretBytes& key, std::string_view type);

  /// As the Receiver must check them, C.6b.2 and C.6c.1: both expiries, esk, espa. Then the key. `type` of
  /// what this side seals, as in a `cty` before "+json".
  [[nodiscard]] static EsPrimResult<std::shared_ptr<Session>> establish(
      const PairwiseEsPrimKey::Shared& pairwise, const ReceiverRandObject& receiver,
      const OriginatorRandObject& originator, TimePoint now, std::string_view type);

  [[nodiscard]] const PairwiseEsPrimKey& pairwise() const noexcept { return *pairwise_; }
  [[nodiscard]] const std::string& ori() const noexcept { return originator_.id(); }
  [[nodiscard]] const std::string& rri() const noexcept { return rri_; }
  [[nodiscard]] const OriginatorRandObject& originator() const noexcept { return originator_; }
  [[nodiscard]] TimePoint end() const noexcept { return end_; }
  /// enc is in the list of the originator object (C.6c.1).
  [[nodiscard]] bool permits(jose::Enc enc) const noexcept { return originator_.offers(enc); }

  /// The protected header, encoded, of objects that carry no rand object: made once.
  [[nodiscard]] const std::string& header(jose::Enc enc, InnerFormat format) const;
  /// With `oro` or `rro`.
  [[nodiscard]] std::string header(jose::Enc enc, InnerFormat format, std::string_view name,
                                   const RandObject& object) const;
  [[nodiscard]] Result<jose::DirectlyOpened> open(const jose::JweParts& parts, jose::Enc enc) const;
  /// limit after 2^32 objects (RFC 7518 8.4).
  [[nodiscard]] Result<std::string> seal(std::string_view header, jose::Enc enc, ByteView plaintext);

 private:
  using Iv = std::array<std::uint8_t, crypto::kGcmNonceBytes>;
  [[nodiscard]] Iv iv_after(std::uint64_t count) const noexcept;

  [[nodiscard]] json::object header_members(InnerFormat format) const;

  struct Header {
    std::once_flag made;
    std::string text;
  };

  PairwiseEsPrimKey::Shared pairwise_;
  std::string type_, rri_;
  OriginatorRandObject originator_;
  TimePoint end_;
  std::array<SecretBytes, 3> keys_;                       ///< by Enc: the leftmost octets of the derived key
  mutable std::array<std::array<Header, 3>, 2> headers_;  ///< by InnerFormat and Enc
  /// NIST SP 800-38D 8.2.2: a random IV, then its successors. Both directions, and a session that was
  /// forgotten and made again, start anywhere in 2^96.
  Iv first_iv_;
  std::atomic<std::uint64_t> sealed_ = 0;
};

}  // namespace latchkey::e2e
