#pragma once
/// Owning pointers over libcrypto objects, and the text of its errors. Private to this library.
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "latchkey/base/bytes.h"

namespace latchkey::pki {

template <auto Free>
struct OsslDeleter {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
template <class T, auto Free>
using OsslPtr = std::unique_ptr<T, OsslDeleter<Free>>;

using X509Ptr = OsslPtr<X509, X509_free>;
using CrlPtr = OsslPtr<X509_CRL, X509_CRL_free>;
using RevokedPtr = OsslPtr<X509_REVOKED, X509_REVOKED_free>;
using RequestPtr = OsslPtr<X509_REQ, X509_REQ_free>;
using KeyPtr = OsslPtr<EVP_PKEY, EVP_PKEY_free>;
using BioPtr = OsslPtr<BIO, BIO_free_all>;
using NamePtr = OsslPtr<X509_NAME, X509_NAME_free>;
using NamesPtr = OsslPtr<GENERAL_NAMES, GENERAL_NAMES_free>;
using GeneralNamePtr = OsslPtr<GENERAL_NAME, GENERAL_NAME_free>;
using SubtreePtr = OsslPtr<GENERAL_SUBTREE, GENERAL_SUBTREE_free>;
using ConstraintsPtr = OsslPtr<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free>;
using ObjectPtr = OsslPtr<ASN1_OBJECT, ASN1_OBJECT_free>;
using StringPtr = OsslPtr<ASN1_STRING, ASN1_STRING_free>;
using IntegerPtr = OsslPtr<ASN1_INTEGER, ASN1_INTEGER_free>;
using TimePtr = OsslPtr<ASN1_TIME, ASN1_TIME_free>;
using BignumPtr = OsslPtr<BIGNUM, BN_free>;
using ExtensionPtr = OsslPtr<X509_EXTENSION, X509_EXTENSION_free>;

/// Frees the list, not what is in it.
struct CertificateListDeleter {
  void operator()(STACK_OF(X509) * list) const noexcept { sk_X509_free(list); }
};
using CertificateList = std::unique_ptr<STACK_OF(X509), CertificateListDeleter>;

/// The oldest error that libcrypto holds for this thread, or "no cause given"; empties its queue.
inline std::string ossl_error() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no cause given" : reason;
}

inline BioPtr memory_reader(ByteView bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

/// What has been written to a memory BIO.
inline ByteView written(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size <= 0 ? ByteView{} : as_bytes({data, static_cast<std::size_t>(size)});
}

inline ByteView octets(const ASN1_STRING* string) {
  const int size = ASN1_STRING_length(string);
  return size <= 0 ? ByteView{} : ByteView(ASN1_STRING_get0_data(string), static_cast<std::size_t>(size));
}

/// DER by an i2d function; empty when it fails.
template <auto I2d, class T>
Bytes to_der(T* object) {
  const int size = I2d(object, nullptr);
  if (size <= 0) return {};
  Bytes out(static_cast<std::size_t>(size));
  unsigned char* cursor = out.data();
  if (I2d(object, &cursor) != size) return {};
  return out;
}

}  // namespace latchkey::pki
