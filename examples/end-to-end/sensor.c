/* A sensor in C that signs its readings and encrypts them for one application, and that application:
 * TS-0003 8.5, nested sign-then-encrypt. No CSE is needed; the envelope is what would become the content of a
 * <contentInstance>.
 *
 * usage: end-to-end-sensor PRIVATE_KEY.pem PUBLIC_KEY.pem   (P-256, of the sensor)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "latchkey/e2e/latchkey_e2e.h"

static size_t read_file(const char* path, uint8_t* out, size_t size) {
  FILE* file = fopen(path, "rb");
  size_t got = file != NULL ? fread(out, 1, size, file) : 0;
  if (file != NULL) fclose(file);
  if (got == 0 || got == size) {
    fprintf(stderr, "%s cannot be read\n", path);
    exit(1);
  }
  return got;
}

static void must(int code, const lk_error* error) {
  if (code == LK_OK) return;
  fprintf(stderr, "error %d: %s\n", code, error->detail);
  exit(1);
}

int main(int argc, char** argv) {
  static uint8_t private_pem[4096], public_pem[4096];
  /* The key that sensor and application share: provisioned, here made up. */
  uint8_t shared[32];
  const char* reading = "{\"temperature\":21.5}";
  lk_error error = {LK_OK, ""};
  lk_source* sensor = NULL;
  lk_target* application = NULL;
  lk_buffer envelope = {NULL, 0}, payload = {NULL, 0}, by = {NULL, 0};
  lk_credential signer = {"sensor", 45, "ES256", 0, private_pem, 0},
                verifier = {"sensor", 45, "ES256", 0, public_pem, 0};
  lk_credential reader = {"app", 14, "A256KW", 0, shared, sizeof shared};
  const int64_t now = (int64_t)time(NULL);
  if (argc != 3) {
    fprintf(stderr, "usage: %s PRIVATE_KEY.pem PUBLIC_KEY.pem\n", argv[0]);
    return 2;
  }
  memset(shared, 0x5a, sizeof shared);
  signer.key_size = read_file(argv[1], private_pem, sizeof private_pem);
  verifier.key_size = read_file(argv[2], public_pem, sizeof public_pem);

  must(lk_source_new(&sensor, LK_SIGN_THEN_ENCRYPT, LK_COMPACT, "A256GCM", "application/json", &signer, 1,
                     &reader, 1, &error),
       &error);
  must(lk_source_protect(sensor, reading, strlen(reading), now, &envelope, &error), &error);
  printf("envelope: %.40s... (%zu octets)\n", (const char*)envelope.data, envelope.size);

  must(lk_target_new(&application, LK_SIGN_THEN_ENCRYPT, "A256GCM", 0, &verifier, 1, &reader, 1, &error),
       &error);
  must(lk_target_open(application, LK_COMPACT, (const char*)envelope.data, envelope.size, now, &payload, &by,
                      &error),
       &error);
  printf("opened: %s, verified by %s\n", (const char*)payload.data, (const char*)by.data);

  /* Somebody on the way changes one character. */
  envelope.data[envelope.size / 2] ^= 1;
  lk_buffer_free(&payload);
  lk_buffer_free(&by);
  if (lk_target_open(application, LK_COMPACT, (const char*)envelope.data, envelope.size, now, &payload, &by,
                     &error) == LK_OK)
    return 1;
  printf("changed on the way: refused\n");

  lk_buffer_free(&envelope);
  lk_source_free(sensor);
  lk_target_free(application);
  return 0;
}
