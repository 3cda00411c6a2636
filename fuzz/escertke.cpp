// The messages of ESCertKE (TS-0003 8.7): the JSON around them, and what a peer may say at each step of the
// handshake. The first octet chooses the step, the rest is what comes instead of the right message, or, with
// its highest bit set, where the right one is changed.
#include "latchkey/e2e/escertke.h"

#include <filesystem>
#include <string>

#include "latchkey/codec/primitive.h"
#include "latchkey/pki/authority.h"

namespace {

using namespace latchkey;

const SpId kSp = SpId::parse("//sp.example").value();
const EntityId kPhone = parse_entity_id("/in-cse/Cphone", kSp).value();
const EntityId kLock = parse_entity_id("/in-cse/Clock", kSp).value();

struct NoAudit final : AuditSink {
  void record(AuditEvent) override {}
};

/// Certificates of one authority, and keys without one.
struct Ends {
  e2e::EsCertKeCredentials phone, lock;
  pki::PublicKeyId phone_key, lock_key;

  static const Ends& instance() {
    static const Ends made = make();
    return made;
  }

 private:
  static e2e::EsCertKeCredentials of(pki::Authority& root, const EntityId& id) {
    auto key = *pki::PrivateKey::generate();
    pki::SubjectRequest subject;
    subject.flavour = pki::Flavour::ae_id;
    subject.ae_id = std::get<AeId>(id);
    auto issued = root.issue(subject, key.public_spki(), std::chrono::days(100));
    if (!issued) std::abort();
    return {.own = std::make_shared<const tls::OwnCertificate>(
                tls::OwnCertificate{{issued->certificate, root.certificate()}, std::move(key)}),
            .trust = *pki::TrustStore::make({{root.certificate(), {}}}, {}),
            .home = kSp};
  }
  static Ends make() {
    std::string folder = (std::filesystem::temp_directory_path() / "latchkey-fuzz-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    auto root = *pki::Authority::create_root(folder + "/root", "Root", {{"sp.example"}, {"sp.example"}, {}},
                                             std::chrono::days(3650));
    auto first = of(root, kPhone), second = of(root, kLock);
    std::filesystem::remove_all(folder);
    const auto first_id = pki::PublicKeyId::of(first.own->key.public_spki());
    const auto second_id = pki::PublicKeyId::of(second.own->key.public_spki());
    return {std::move(first), std::move(second), first_id, second_id};
  }
};

/// The right message, changed where the octets say, or the octets themselves.
Bytes said(const Bytes& right, ByteView octets, bool change) {
  if (!change) return Bytes(octets.begin(), octets.end());
  Bytes out = right;
  for (std::size_t i = 0; i + 3 <= octets.size() && !out.empty(); i += 3)
    out[(static_cast<std::size_t>(octets[i]) << 8U | octets[i + 1]) % out.size()] ^= octets[i + 2];
  return out;
}

void handshake(unsigned step, bool raw, bool change, ByteView octets) {
  NoAudit audit;
  const auto& ends = Ends::instance();
  const ManualClock clock(system_clock().now() + std::chrono::seconds(5));
  e2e::EsCertKePeer phone{.id = kPhone}, lock{.id = kLock};
  if (raw) {
    phone.raw_key = ends.phone_key;
    lock.raw_key = ends.lock_key;
  }
  auto terminator = *e2e::EsCertKeTerminator::make(
      ends.lock, [&](const EntityId&) { return phone; }, audit, clock);
  auto initiator = *e2e::EsCertKeInitiator::start(ends.phone, lock, audit, clock);
  const Bytes first = step == 0 ? said(initiator.message_1(), octets, change) : initiator.message_1();
  auto second = terminator.receive(kPhone, first);
  if (second.key) std::abort();  // nobody has proved anything yet
  if (step == 0) return;
  auto third = initiator.message_3(step == 1 ? said(second.message, octets, change) : second.message);
  if (!third) return;
  const auto fourth = terminator.receive(kPhone, step == 2 ? said(*third, octets, change) : *third);
  const auto key = initiator.finish(step == 3 ? said(fourth.message, octets, change) : fourth.message);
  // Finished protects what was said: if both have a key, it is the same, of each other.
  if (key && (!fourth.key || key->id != fourth.key->id || !(key->key == fourth.key->key))) std::abort();
  if (fourth.key && fourth.key->peer != kPhone) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView octets(data + 1, size - 1);
  const unsigned step = data[0] & 7U;
  if (step < 4) {
    handshake(step, (data[0] & 0x40U) != 0, (data[0] & 0x80U) != 0, octets);
    return 0;
  }
  if (auto value = codec::parse_json(as_text(octets), {})) {
    const auto message = e2e::read_escertke_message(*value);
    if (message && e2e::read_escertke_message(e2e::escertke_security_info(*message)) != *message)
      std::abort();
  }
  return 0;
}
