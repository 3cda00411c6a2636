/* A phone and a door in C, with two hops between them that read nothing: TS-0003 8.4, both ends. What the
 * hops would forward is printed.
 *
 * usage: end-to-end-door
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "latchkey/e2e/latchkey_e2e.h"

#define PHONE "//sp.example/in-cse/Cphone"
#define DOOR "//sp.example/mn-cse/Cdoor"

static void must(int code, const lk_error* error) {
  if (code == LK_OK) return;
  fprintf(stderr, "error %d: %s\n", code, error->detail);
  exit(1);
}

/* What a registrar makes of a primitive: it names the originator and gives the request an identifier. */
static void over_the_hops(const lk_buffer* primitive, char* out, size_t size) {
  const int written =
      snprintf(out, size, "%.*s,\"rqi\":\"hop-1\"}", (int)primitive->size - 1, (const char*)primitive->data);
  if (written < 0 || (size_t)written >= size) exit(1);
  printf("the hops see %s\n", out);
}

int main(void) {
  static char outer[16384];
  uint8_t shared[32]; /* provisioned at both ends, here made up */
  lk_error error = {LK_OK, ""};
  lk_receiver* door = NULL;
  lk_originator* phone = NULL;
  lk_exchange* exchange = NULL;
  lk_action action = {LK_SEND, {NULL, 0}};
  lk_reception reception = {LK_ANSWER, {NULL, 0}, {NULL, 0}, {NULL, 0}, NULL};
  lk_buffer sec_info = {NULL, 0}, answer = {NULL, 0};
  const int64_t now = (int64_t)time(NULL);
  memset(shared, 0x5a, sizeof shared);

  must(lk_receiver_new(&door, DOOR, &error), &error);
  must(lk_receiver_add_key(door, "door-1", 13, shared, sizeof shared, 0, PHONE, &error), &error);
  must(lk_receiver_sec_info(door, now, &sec_info, &error), &error); /* published in its <AE> */

  must(lk_originator_new(&phone, "door-1", 13, shared, sizeof shared, 0, DOOR, "/mn-cse/Cdoor", &error),
       &error);
  must(lk_exchange_start(&exchange, phone,
                         "{\"op\":3,\"to\":\"/mn-cse/Cdoor\",\"fr\":\"" PHONE
                         "\",\"rqi\":\"phone-17\",\"rvi\":\"3\",\"pc\":{\"m2m:cnt\":{\"lbl\":[\"unlock\"]}}}",
                         now, &action, &error),
       &error);
  must(lk_exchange_sec_info(exchange, (const char*)sec_info.data, now, &action, &error), &error);
  over_the_hops(&action.primitive, outer, sizeof outer);
  lk_buffer_free(&action.primitive);

  /* The door opens it, acts for whom the key speaks, and answers under the same session key. */
  must(lk_receiver_handle(door, outer, now, &reception, &error), &error);
  if (reception.kind != LK_INNER) return 1;
  printf("door: %s asks %s\n", (const char*)reception.originator.data, (const char*)reception.primitive.data);
  must(
      lk_receiver_answer(door, reception.opened, "{\"rsc\":2004,\"rqi\":\"phone-17\"}", now, &answer, &error),
      &error);
  lk_reception_free(&reception);

  must(lk_exchange_answer(exchange, (const char*)answer.data, now, &action, &error), &error);
  printf("phone: %s\n", (const char*)action.primitive.data);
  lk_buffer_free(&action.primitive);

  /* A hop that sends it once more gets nothing done. */
  must(lk_receiver_handle(door, outer, now, &reception, &error), &error);
  if (reception.kind != LK_ANSWER) return 1;
  printf("once more: refused, %s\n", (const char*)reception.reason.data);

  lk_reception_free(&reception);
  lk_buffer_free(&answer);
  lk_buffer_free(&sec_info);
  lk_exchange_free(exchange);
  lk_originator_free(phone);
  lk_receiver_free(door);
  return 0;
}
