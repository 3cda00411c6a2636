#pragma once
/// What a Receiver remembers, and how it forgets. Not thread-safe: the Receiver holds its lock.
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "latchkey/e2e/receiver.h"
#include "session.h"

namespace latchkey::e2e {

/// A session with the requests that came in it. It stays until its receiver object goes or its own end has
/// come: before that, what it remembers could be replayed.
struct Live {
  std::shared_ptr<Session> session;
  bool shared = false;                            ///< its receiver object is
  bool closed = false;                            ///< its key was removed: remembered, not used
  std::unordered_set<std::size_t> requests = {};  ///< hashes of the inner rqi
  std::vector<std::string> headers = {};          ///< its entries among the known headers
};

/// A receiver object that we gave out.
struct Issued {
  ReceiverRandObject object;
  std::uint64_t number = 0;  ///< counts up: the age
  std::string requester;     ///< who asked for it; empty: shared, or sent as rro
  std::string owner;         ///< not shared: kid of the first that used it
  std::string successor;     ///< the object sent as rro for it
  std::map<std::string, std::shared_ptr<Live>> lives = {};  ///< by kid + ' ' + ori
  std::size_t requests = 0;                                 ///< remembered in its sessions
};

struct KeyState {
  PairwiseEsPrimKey::Shared key;
  std::vector<OriginatorRandObject> objects = {};  ///< recorded (C.6b.2), kOriginatorObjectsPerKey
  std::vector<std::shared_ptr<Live>> lives = {};
};
inline constexpr std::size_t kOriginatorObjectsPerKey = 8;

/// A header that was read and found good before, octet for octet.
struct Known {
  std::shared_ptr<Live> live;
  jose::Enc enc = jose::Enc::a256gcm;
  std::optional<std::string> cty = {};
};

class ReceiverMemory {
 public:
  explicit ReceiverMemory(const EsPrimReceiverConfig& config) : config_(config) {}

  [[nodiscard]] Status add_key(PairwiseEsPrimKey::Shared key);
  void remove_key(std::string_view id);
  [[nodiscard]] KeyState* key(std::string_view id);

  [[nodiscard]] const ReceiverRandObject& shared_object(TimePoint now);
  [[nodiscard]] const ReceiverRandObject& issue(std::string_view requester, TimePoint now);
  /// The object that follows `rri`, if that ends soon.
  [[nodiscard]] std::optional<ReceiverRandObject> successor(std::string_view rri, TimePoint now);

  [[nodiscard]] std::optional<Known> known(std::string_view header, TimePoint now) const;
  /// Steps C.6a to C.6c.1. A session that is new is not remembered yet.
  [[nodiscard]] EsPrimResult<Known> resolve(const EsPrimHeader& header, TimePoint now);
  /// After the tag has verified: records session, originator object and request. replayed, used_up, crowded,
  /// and unknown_... for what has gone in the meantime.
  [[nodiscard]] EsPrimResult<void> admit(const Known& known, std::string_view encoded_header,
                                         const std::optional<EsPrimHeader>& header, std::string_view rqi);

  void purge(TimePoint now);
  [[nodiscard]] EsPrimReceiver::Counts counts() const;

 private:
  using Objects = std::map<std::string, Issued, std::less<>>;

  Issued& add_object(bool shared, TimePoint now);
  void give_up(Objects::iterator object);
  void forget(Issued& object, const std::shared_ptr<Live>& live);
  [[nodiscard]] Objects::iterator oldest_unused();
  void make_room();
  [[nodiscard]] EsPrimResult<OriginatorRandObject> originator_object(const KeyState& key,
                                                                     const EsPrimHeader& header) const;
  [[nodiscard]] EsPrimResult<void> add_live(KeyState& key, const std::shared_ptr<Live>& live);
  void record(KeyState& key, const OriginatorRandObject& object);
  void remember_header(const Known& known, std::string_view encoded);

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  const EsPrimReceiverConfig& config_;
  std::map<std::string, KeyState, std::less<>> keys_;
  Objects objects_;
  std::unordered_map<std::string, Known, TextHash, std::equal_to<>> known_;
  std::string shared_;  ///< esri of the current shared object
  std::uint64_t numbers_ = 0;
  std::size_t sessions_ = 0, requests_ = 0;
  TimePoint next_purge_;
};

}  // namespace latchkey::e2e
