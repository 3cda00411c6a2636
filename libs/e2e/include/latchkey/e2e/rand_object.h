#pragma once
/// originatorESPrimRandObject and receiverESPrimRandObject (TS-0003 tables 8.4.3.1.1-1, 8.4.3.1.2-1).
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/bytes.h"
#include "latchkey/base/time.h"
#include "latchkey/codec/status.h"
#include "latchkey/jose/algorithms.h"

namespace latchkey::e2e {

namespace json = boost::json;

inline constexpr std::uint16_t kKeyGenHmacSha256 = 1;      ///< m2m:esprimKeyGenAlgID
inline constexpr std::size_t kRandIdOctetsMax = 64;        ///< esri
inline constexpr std::size_t kRandValueOctetsMin = 22;     ///< esrv: 128 bits take as many in base 64
inline constexpr std::size_t kRandValueOctetsMax = 64;     ///< esrv
inline constexpr std::size_t kRandListEntriesMax = 16;     ///< esks, espa
inline constexpr std::size_t kRandObjectOctetsMax = 1024;  ///< of the whole text

/// m2m:esprimProtocolAndAlgID: 10, 11, 12 are JWE compact with A128GCM, A192GCM, A256GCM.
[[nodiscard]] std::uint16_t protocol_and_alg(jose::Enc enc) noexcept;

/// What both kinds have in common. Immutable.
class RandObject {
 public:
  [[nodiscard]] const std::string& id() const noexcept { return id_; }  ///< esri; compared as text
  [[nodiscard]] TimePoint end() const noexcept { return end_; }         ///< esrx
  [[nodiscard]] const std::vector<std::uint16_t>& key_gen_algs() const noexcept { return key_gen_algs_; }
  [[nodiscard]] const std::vector<std::uint16_t>& protocol_and_algs() const noexcept {
    return protocol_and_algs_;
  }
  [[nodiscard]] bool offers(jose::Enc enc) const noexcept;
  /// The JSON text without white space, members in the order in which they came: what enters the derivation
  /// of 10.3.8.2 (docs/decisions/0021).
  [[nodiscard]] ByteView octets() const noexcept { return as_bytes(text_); }
  [[nodiscard]] const json::object& members() const noexcept { return members_; }
  /// 8.4.2 B.1a.1 and B.2e: the ID says whether the object is shared. An ID of another implementation that
  /// does not say it in our way counts as not shared.
  [[nodiscard]] bool shared() const noexcept { return id_.starts_with("S-"); }

  friend bool operator==(const RandObject& a, const RandObject& b) noexcept { return a.text_ == b.text_; }

 protected:
  RandObject() = default;
  /// All but the key generation algorithms, which the kinds name differently.
  [[nodiscard]] static codec::Outcome<RandObject> read_common(json::value&& value, TimePoint now);
  [[nodiscard]] static json::object make_common(char mark, TimePoint end);

  std::string id_;
  TimePoint end_;
  std::vector<std::uint16_t> key_gen_algs_, protocol_and_algs_;
  std::string text_;
  json::object members_;
};

class ReceiverRandObject : public RandObject {
 public:
  /// Fresh 128 bits and ID; `end` loses what is below a second. B.1a.1, B.2e.
  [[nodiscard]] static ReceiverRandObject make(bool shared, TimePoint end, std::span<const jose::Enc> encs);
  /// bad_request naming the member. A relative expiry counts from `now`; unknown members are left alone, for
  /// a later release may add some; unknown algorithms are kept, for one more is no harm.
  [[nodiscard]] static codec::Outcome<ReceiverRandObject> read(json::value value, TimePoint now);

 private:
  explicit ReceiverRandObject(RandObject&& object) : RandObject(std::move(object)) {}
};

class OriginatorRandObject : public RandObject {
 public:
  /// B.2g; key generation by HMAC-SHA256, never shared.
  [[nodiscard]] static OriginatorRandObject make(TimePoint end, std::span<const jose::Enc> encs);
  /// As above; exactly one key generation algorithm, in `esk` or in an `esks` of one entry (Release 2
  /// schema).
  [[nodiscard]] static codec::Outcome<OriginatorRandObject> read(json::value value, TimePoint now);

 private:
  explicit OriginatorRandObject(RandObject&& object) : RandObject(std::move(object)) {}
};

}  // namespace latchkey::e2e
