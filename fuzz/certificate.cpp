// Certificates, CRLs and name constraints as a peer or a file gives them.
#include <cstdint>
#include <cstdlib>

#include "../libs/pki/src/certificate_impl.h"
#include "latchkey/pki/authority.h"

namespace {

using namespace latchkey;

void judge(const pki::Certificate& certificate) {
  const auto again = pki::Certificate::from_der(certificate.der());
  if (!again || again->der() != certificate.der() || again->serial_hex() != certificate.serial_hex())
    std::abort();
  static_cast<void>(pki::inspect({certificate}, true));
  // Its own constraints against its own names: what a path would do with the ones of its issuers.
  if (const auto& constraints = certificate.impl().constraints) {
    static_cast<void>(constraints->check(pki::native(certificate)));
    static_cast<void>(constraints->constrains(certificate.flavour(), certificate.names()));
  }
  static const SpId home = SpId::parse("//my.m2mprovider.org").value();
  const pki::TrustOptions lenient{.annex_b_certificates = true, .require_name_constraints = false};
  const auto store = pki::TrustStore::make({{certificate, lenient}}, {});
  if (!store && certificate.is_ca()) return;  // a self-signed one whose signature is wrong
  const auto nobody = pki::TrustStore::make({}, {}).value();
  // Whatever it says of itself, it is not trusted without an anchor.
  if (nobody->verify({certificate}, certificate.not_before(), home)) std::abort();
  if (store) static_cast<void>((*store)->verify({certificate, certificate}, certificate.not_before(), home));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView octets(data, size);
  if (const auto certificate = pki::Certificate::from_der(octets)) judge(*certificate);
  if (const auto chain = pki::Certificate::chain_from_pem(as_text(octets))) {
    for (const auto& certificate : *chain) judge(certificate);
  }
  static_cast<void>(pki::TrustStore::make({}, {Bytes(octets.begin(), octets.end())}));
  return 0;
}
