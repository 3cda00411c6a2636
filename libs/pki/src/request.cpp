#include <openssl/pem.h>

#include "issue.h"
#include "latchkey/pki/authority.h"
#include "profile.h"

namespace latchkey::pki {
namespace {

constexpr std::size_t kRequestOctetsMax = 16U << 10U;

struct ExtensionListDeleter {
  void operator()(STACK_OF(X509_EXTENSION) * list) const noexcept {
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
  }
};
using ExtensionList = std::unique_ptr<STACK_OF(X509_EXTENSION), ExtensionListDeleter>;

tl::unexpected<Error> invalid(std::string what) { return fail(ErrorCode::invalid_argument, std::move(what)); }

}  // namespace

Result<std::string> make_request(const PrivateKey& key, const SubjectRequest& subject) {
  const auto names = subject_names(subject);
  if (!names) return fail(names.error());
  const RequestPtr request(X509_REQ_new());
  X509_EXTENSION* name_extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, names->get());
  ExtensionList extensions(sk_X509_EXTENSION_new_null());
  if (name_extension == nullptr || !extensions ||
      sk_X509_EXTENSION_push(extensions.get(), name_extension) <= 0) {
    X509_EXTENSION_free(name_extension);
    return fail(ErrorCode::internal, "request: " + ossl_error());
  }
  const auto* common_name = reinterpret_cast<const unsigned char*>(subject.common_name.data());
  X509_NAME* name = X509_REQ_get_subject_name(request.get());
  if (!subject.common_name.empty() &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, common_name,
                                 static_cast<int>(subject.common_name.size()), -1, 0) != 1) {
    ERR_clear_error();
    return invalid("common name is not UTF-8 text of at most 64 characters");
  }
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!out || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), native(key)) != 1 ||
      X509_REQ_add_extensions(request.get(), extensions.get()) != 1 ||
      X509_REQ_sign(request.get(), native(key), EVP_sha256()) <= 0 ||
      PEM_write_bio_X509_REQ(out.get(), request.get()) != 1) {
    return fail(ErrorCode::internal, "request: " + ossl_error());
  }
  return std::string(as_text(written(out.get())));
}

Result<Authority::Issued> Authority::sign_request(std::string_view csr_pem, Flavour allowed,
                                                  std::chrono::days lifetime) {
  if (csr_pem.size() > kRequestOctetsMax)
    return fail(ErrorCode::limit, "certificate signing request larger than 16 KiB");
  const BioPtr in = memory_reader(as_bytes(csr_pem));
  const RequestPtr request(PEM_read_bio_X509_REQ(in.get(), nullptr, nullptr, nullptr));
  if (!request) return invalid("no certificate signing request: " + ossl_error());
  const X509_PUBKEY* spki = X509_REQ_get_X509_PUBKEY(request.get());
  if (const auto defect = public_key_defect(spki)) return invalid(*defect);
  // Possession of the private key is proven by the signature alone.
  if (X509_REQ_get_signature_nid(request.get()) != NID_ecdsa_with_SHA256 ||
      X509_REQ_verify(request.get(), X509_PUBKEY_get0(spki)) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::authentication,
                "10.1.4: the signature of the request does not verify with ECDSA and SHA-256");
  }
  const ExtensionList extensions(X509_REQ_get_extensions(request.get()));
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  if (!names) return invalid("10.1.4: the request has no subjectAltName");
  const auto subject = requested_subject(names.get(), allowed);
  if (!subject) return fail(subject.error());
  return issue(*subject, to_der<i2d_X509_PUBKEY>(spki), lifetime);
}

}  // namespace latchkey::pki
