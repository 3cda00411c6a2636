/** \file
 * End-to-end security for programs in C, over the same code as the C++ headers beside this one: ESData of
 * TS-0003 8.5 and ESPrim of 8.4, both ends of each. No I/O, no global state. An object is used by one thread
 * at a time; different objects by different threads.
 *
 * Texts are UTF-8 and end with a zero octet. Functions that can fail return 0 on success, or a value of
 * lk_code and fill `error`, if that is not NULL. Keys are copied; the caller overwrites its own. Times are
 * seconds since 1970, UTC.
 */
#ifndef LATCHKEY_E2E_H
#define LATCHKEY_E2E_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum lk_code {
  LK_OK = 0,
  LK_INVALID_ARGUMENT = 1, /* malformed or unacceptable input */
  LK_REFUSED = 2,     /* an envelope that the policy or its keys do not accept; a Receiver that refuses */
  LK_EXPIRED = 3,     /* a credential's time has passed */
  LK_LIMIT = 4,       /* too long, or a key used too often */
  LK_UNSUPPORTED = 5, /* an algorithm that does not fit its key; a Receiver without ESPrim */
  LK_CONFLICT = 6,    /* a call that this step of an exchange does not have */
  LK_INTERNAL = 7
};
typedef struct lk_error {
  enum lk_code code;
  char detail[200]; /* for people; never of keys or payloads; cut where it is longer */
} lk_error;

/** What a call made. lk_buffer_free overwrites and frees it; freeing an empty one does nothing. */
typedef struct lk_buffer {
  uint8_t* data; /* with a zero octet behind its end */
  size_t size;
} lk_buffer;
void lk_buffer_free(lk_buffer* buffer);

/* --- ESData --- */

enum lk_class {
  LK_ENCRYPTION_ONLY = 0,
  LK_SIGNATURE_ONLY = 1,
  LK_SIGN_THEN_ENCRYPT = 2
}; /* table 8.5.2.1-1 */
enum lk_form {
  LK_COMPACT = 1,
  LK_JSON = 2,
  LK_JSON_BASE64 = 3,
  LK_XML = 4,
  LK_XML_BASE64 = 5
}; /* m2m:contentSecurity */

/** A credential: kid, SUID (14, 24, 34, 44 encryption; 15, 25, 35, 45 signature), the name of its algorithm
 * in JOSE ("A256KW", "ECDH-ES+A128KW", "ES256", "HS256", ...; for XML also "ES256-brainpoolP256r1" and
 * "ES256-FRP256v1"), its end (0: none), and the key: octets where the
 * SUID's first digit is 1 to 3, else PEM: of a private key to sign or open with, of a public key to verify or
 * encrypt with. */
typedef struct lk_credential {
  const char* kid;
  int suid;
  const char* alg;
  int64_t end;
  const uint8_t* key;
  size_t key_size;
} lk_credential;

typedef struct lk_source lk_source;
/** Source End-Point. `security_class` and `form` are of lk_class and lk_form. `enc`: "A128GCM", "A192GCM" or
 * "A256GCM"; not looked at for signatures only. `media_type` may be NULL. What 8.5 forbids is
 * LK_INVALID_ARGUMENT. */
int lk_source_new(lk_source** out, int security_class, int form, const char* enc, const char* media_type,
                  const lk_credential* signers, size_t signer_count, const lk_credential* recipients,
                  size_t recipient_count, lk_error* error);
void lk_source_free(lk_source* source);
int lk_source_protect(lk_source* source, const void* payload, size_t size, int64_t now, lk_buffer* envelope,
                      lk_error* error);

typedef struct lk_target lk_target;
/** Target End-Point: accepts `security_class`, the algorithms of its credentials and `enc`, and nothing else;
 * the source must be verified unless `any_source` is not 0. */
int lk_target_new(lk_target** out, int security_class, const char* enc, int any_source,
                  const lk_credential* verifiers, size_t verifier_count, const lk_credential* openers,
                  size_t opener_count, lk_error* error);
void lk_target_free(lk_target* target);
/** The payload, once everything has verified. `verified_by`, if not NULL: the kid of the first credential
 * that verified it, or an empty text. */
int lk_target_open(const lk_target* target, int form, const char* envelope, size_t size, int64_t now,
                   lk_buffer* payload, lk_buffer* verified_by, lk_error* error);

/* --- ESPrim, Originator --- */

typedef struct lk_originator lk_originator;
/** A pairwise key towards one Receiver. `kid`, `suid` (13, 23, 33, 43), the key as octets, its end (0: none);
 * `receiver` is its AE-ID or CSE-ID in absolute form, `address` the To of the outer primitive. */
int lk_originator_new(lk_originator** out, const char* kid, int suid, const uint8_t* key, size_t key_size,
                      int64_t end, const char* receiver, const char* address, lk_error* error);
void lk_originator_free(lk_originator* originator);

/** One request. The caller does what the action says and brings what came of it. */
typedef struct lk_exchange lk_exchange;
enum lk_step {
  LK_RETRIEVE_SEC_INFO = 1, /* RETRIEVE e2eSecInfo of the Receiver, then lk_exchange_sec_info */
  LK_SEND = 2,              /* send this outer request primitive (JSON, without request identifier), then
                               lk_exchange_answer with the outer response */
  LK_FINISHED = 3           /* the inner response primitive, JSON */
};
typedef struct lk_action {
  enum lk_step step;
  lk_buffer primitive;
} lk_action;
/** `request`: the inner request primitive, JSON, with its own request identifier. The originator must outlive
 * nothing: it is kept as long as an exchange needs it. */
int lk_exchange_start(lk_exchange** out, lk_originator* originator, const char* request, int64_t now,
                      lk_action* action, lk_error* error);
/** `sec_info`: the attribute as JSON, or NULL where the Receiver has none. */
int lk_exchange_sec_info(lk_exchange* exchange, const char* sec_info, int64_t now, lk_action* action,
                         lk_error* error);
int lk_exchange_answer(lk_exchange* exchange, const char* response, int64_t now, lk_action* action,
                       lk_error* error);
void lk_exchange_free(lk_exchange* exchange);

/* --- ESPrim, Receiver --- */

typedef struct lk_receiver lk_receiver;
/** An end-point that others protect primitives for. `self`: its AE-ID or CSE-ID in absolute form. */
int lk_receiver_new(lk_receiver** out, const char* self, lk_error* error);
void lk_receiver_free(lk_receiver* receiver);
/** A pairwise key with `peer`, who alone can then speak with it; as for lk_originator_new. One of the same
 * kid makes way. */
int lk_receiver_add_key(lk_receiver* receiver, const char* kid, int suid, const uint8_t* key, size_t key_size,
                        int64_t end, const char* peer, lk_error* error);
void lk_receiver_remove_key(lk_receiver* receiver, const char* kid);
/** e2eSecInfo as JSON, to be published as `esi` of the <AE> or <CSEBase>: ask again each minute, and publish
 * what has changed. */
int lk_receiver_sec_info(lk_receiver* receiver, int64_t now, lk_buffer* sec_info, lk_error* error);

enum lk_reception_kind {
  LK_INNER = 1,  /* `primitive` is the request inside (JSON), of `originator`, who is authenticated: decide,
                    act, and give lk_receiver_answer the response */
  LK_ANSWER = 2, /* `primitive` is the outer response, ready to be sent; `reason`, for the log alone, is
                    empty unless it refuses */
  LK_NOT_ESPRIM = 3 /* no Notify request of ESPrim: nobody vouches for it */
};
typedef struct lk_opened lk_opened; /* what the answer to one request needs */
typedef struct lk_reception {
  enum lk_reception_kind kind;
  lk_buffer primitive, originator, reason;
  lk_opened* opened;
} lk_reception;
/** `outer`: a request primitive that came (JSON). On success `out` is to be freed. */
int lk_receiver_handle(lk_receiver* receiver, const char* outer, int64_t now, lk_reception* out,
                       lk_error* error);
void lk_reception_free(lk_reception* reception);
/** The outer response with `response`, the inner one (JSON), protected in it. LK_INVALID_ARGUMENT: no
 * response primitive. An answer that cannot be protected is an outer response that says so (5211). */
int lk_receiver_answer(lk_receiver* receiver, const lk_opened* opened, const char* response, int64_t now,
                       lk_buffer* outer_response, lk_error* error);

#ifdef __cplusplus
}
#endif
#endif
