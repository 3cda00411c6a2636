// The C header: the same answers as the C++ ones, and nothing that a C program could not bear.
#include <gmock/gmock.h>

#include <string>

#include "latchkey/e2e/latchkey_e2e.h"
#include "world.h"

namespace latchkey::e2e {
namespace {

using test::kPhone;
using test::request;
using test::World;
using ::testing::HasSubstr;

constexpr std::int64_t kNow = 1'795'867'200;
const Bytes kShared = test::octets(32);

/// What a call made, given back in the end.
struct Buffer {
  lk_buffer it{};
  ~Buffer() { lk_buffer_free(&it); }
  [[nodiscard]] std::string text() const {
    EXPECT_TRUE(it.data == nullptr || it.data[it.size] == 0);
    return it.data == nullptr ? "" : std::string(reinterpret_cast<const char*>(it.data), it.size);
  }
};
struct Pem {
  crypto::PrivateKey pair = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  std::string secret{as_text(pair.pem().reveal())};
  std::string open =
      "-----BEGIN PUBLIC KEY-----\n" + to_base64(pair.public_key().spki()) + "\n-----END PUBLIC KEY-----\n";
};
lk_credential credential(const char* kid, int suid, const char* alg, ByteView key) {
  return {kid, suid, alg, 0, key.data(), key.size()};
}

TEST(C, ADataEnvelopeOfEachClass) {
  const Pem pem;
  const auto aes = credential("k", 14, "A256KW", kShared), mac = credential("m", 15, "HS256", kShared);
  const auto signs = credential("s", 45, "ES256", as_bytes(pem.secret));
  const auto verifies = credential("s", 45, "ES256", as_bytes(pem.open));
  const auto to = credential("r", 44, "ECDH-ES+A128KW", as_bytes(pem.open));
  const auto reads = credential("r", 44, "ECDH-ES+A128KW", as_bytes(pem.secret));
  struct Row {
    lk_class security_class;
    const lk_credential *signer, *recipient, *verifier, *opener;
    const char* by;
  };
  for (const auto& row : {Row{LK_ENCRYPTION_ONLY, nullptr, &aes, nullptr, &aes, "k"},
                          Row{LK_SIGNATURE_ONLY, &mac, nullptr, &mac, nullptr, "m"},
                          Row{LK_SIGNATURE_ONLY, &signs, nullptr, &verifies, nullptr, "s"},
                          Row{LK_SIGN_THEN_ENCRYPT, &signs, &to, &verifies, &reads, "s"}})
    for (const auto form : {LK_COMPACT, LK_JSON, LK_JSON_BASE64, LK_XML, LK_XML_BASE64}) {
      lk_error error{};
      lk_source* source = nullptr;
      lk_target* target = nullptr;
      ASSERT_EQ(lk_source_new(&source, row.security_class, form, "A256GCM", nullptr, row.signer,
                              row.signer != nullptr, row.recipient, row.recipient != nullptr, &error),
                LK_OK)
          << error.detail;
      ASSERT_EQ(lk_target_new(&target, row.security_class, "A256GCM", 0, row.verifier,
                              row.verifier != nullptr, row.opener, row.opener != nullptr, &error),
                LK_OK)
          << error.detail;
      Buffer envelope, payload, by;
      EXPECT_EQ(lk_source_protect(source, "payload", 7, kNow, &envelope.it, &error), LK_OK);
      EXPECT_EQ(lk_target_open(target, form, envelope.text().data(), envelope.it.size, kNow, &payload.it,
                               &by.it, &error),
                LK_OK)
          << error.detail;
      EXPECT_EQ(payload.text(), "payload");
      EXPECT_EQ(by.text(), row.by);
      auto changed = envelope.text();
      changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
      Buffer none;
      EXPECT_NE(
          lk_target_open(target, form, changed.data(), changed.size(), kNow, &none.it, nullptr, nullptr),
          LK_OK);
      EXPECT_EQ(none.it.data, nullptr);
      lk_source_free(source);
      lk_target_free(target);
    }
}

TEST(C, ErrorsAreCodesWithAReason) {
  lk_error error{};
  lk_source* source = nullptr;
  const auto make = [&](const lk_credential& recipient, const char* enc = "A256GCM") {
    return lk_source_new(&source, LK_ENCRYPTION_ONLY, LK_COMPACT, enc, nullptr, nullptr, 0, &recipient, 1,
                         &error);
  };
  EXPECT_EQ(make(credential("k", 15, "A256KW", kShared)), LK_INVALID_ARGUMENT);
  EXPECT_THAT(error.detail, HasSubstr("not for encryption"));
  EXPECT_EQ(make(credential("k", 99, "A256KW", kShared)), LK_INVALID_ARGUMENT);
  EXPECT_EQ(make(credential("k", 14, "RSA1_5", kShared)), LK_INVALID_ARGUMENT);
  EXPECT_EQ(make(credential("k", 14, nullptr, kShared)), LK_INVALID_ARGUMENT);
  EXPECT_EQ(make(credential(nullptr, 14, "A256KW", kShared)), LK_INVALID_ARGUMENT);
  EXPECT_EQ(make(credential("k", 14, "A128KW", kShared)), LK_UNSUPPORTED);
  EXPECT_EQ(make(credential("k", 44, "A128KW", as_bytes("no PEM"))), LK_INVALID_ARGUMENT);
  EXPECT_EQ(make(credential("k", 14, "A256KW", kShared), "A256CBC"), LK_INVALID_ARGUMENT);
  auto without = credential("k", 14, "A256KW", kShared);
  without.key = nullptr;
  EXPECT_EQ(make(without), LK_INVALID_ARGUMENT);
  EXPECT_EQ(lk_source_new(&source, LK_ENCRYPTION_ONLY, LK_COMPACT, "A256GCM", nullptr, nullptr, 0, nullptr, 1,
                          &error),
            LK_INVALID_ARGUMENT);
  EXPECT_EQ(lk_source_new(&source, 7, LK_COMPACT, "A256GCM", nullptr, nullptr, 0, nullptr, 0, nullptr),
            LK_INVALID_ARGUMENT);
  const auto good = credential("k", 14, "A256KW", kShared);
  EXPECT_EQ(lk_source_new(&source, LK_ENCRYPTION_ONLY, LK_XML_BASE64 + 1, "A256GCM", nullptr, nullptr, 0,
                          &good, 1, nullptr),
            LK_INVALID_ARGUMENT);
  EXPECT_EQ(source, nullptr);
  auto expiring = credential("k", 14, "A256KW", kShared);
  expiring.end = kNow;
  ASSERT_EQ(make(expiring), LK_OK);
  Buffer envelope;
  EXPECT_EQ(lk_source_protect(source, "x", 1, kNow, &envelope.it, &error), LK_EXPIRED);
  EXPECT_EQ(lk_source_protect(source, "x", 1, kNow - 1, &envelope.it, &error), LK_OK);
  lk_source_free(source);
  lk_source_free(nullptr);
  lk_target_free(nullptr);
  lk_buffer_free(nullptr);
}

/// A C program as the phone, the C++ endpoint as the lock.
TEST(C, AnExchange) {
  World world;
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(world.now.time_since_epoch()).count();
  lk_error error{};
  lk_originator* originator = nullptr;
  ASSERT_EQ(lk_originator_new(&originator, test::kKid, 13, kShared.data(), kShared.size(), 0, test::kLock,
                              "/lock-cse", &error),
            LK_OK)
      << error.detail;
  const auto inner = codec::to_text(codec::to_json(request("c1")));
  lk_exchange* exchange = nullptr;
  lk_action action{};
  ASSERT_EQ(lk_exchange_start(&exchange, originator, inner.c_str(), now, &action, &error), LK_OK)
      << error.detail;
  EXPECT_EQ(action.step, LK_RETRIEVE_SEC_INFO);
  lk_originator_free(originator);  // the exchange keeps what it needs
  const auto esi = codec::to_text(to_json(world.sec_info()));
  ASSERT_EQ(lk_exchange_sec_info(exchange, esi.c_str(), now, &action, &error), LK_OK) << error.detail;
  ASSERT_EQ(action.step, LK_SEND);
  auto value =
      codec::parse_json(as_text({action.primitive.data, action.primitive.size}), {}).value().get_object();
  lk_buffer_free(&action.primitive);
  value["rqi"] = "o1";
  const auto answer = world.deliver(codec::request_from_json(json::value(value), world.now, {}).value());
  const auto text = codec::to_text(codec::to_json(answer));
  ASSERT_EQ(lk_exchange_answer(exchange, text.c_str(), now, &action, &error), LK_OK) << error.detail;
  EXPECT_EQ(action.step, LK_FINISHED);
  const auto response =
      codec::parse_json(as_text({action.primitive.data, action.primitive.size}), {}).value();
  EXPECT_EQ(response.at("rsc"), 2004);
  EXPECT_EQ(response.at("rqi"), "c1");
  lk_buffer_free(&action.primitive);
  EXPECT_EQ(lk_exchange_answer(exchange, text.c_str(), now, &action, &error), LK_CONFLICT);
  lk_exchange_free(exchange);
}

std::string text_of(const lk_buffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data), buffer.size};
}
std::string with_rqi(const lk_buffer& primitive, const char* rqi) {
  auto value = codec::parse_json(text_of(primitive), {}).value().get_object();
  value["rqi"] = rqi;
  return codec::to_text(value);
}

/// A C program at each end.
TEST(C, AReceiver) {
  test::cover({"8.4.2-42", "8.4.2-62", "8.4.2-63", "7.2.2-03"});
  lk_error error{};
  lk_receiver* receiver = nullptr;
  ASSERT_EQ(lk_receiver_new(&receiver, test::kLock, &error), LK_OK) << error.detail;
  ASSERT_EQ(
      lk_receiver_add_key(receiver, test::kKid, 13, kShared.data(), kShared.size(), 0, test::kPhone, &error),
      LK_OK)
      << error.detail;
  lk_originator* originator = nullptr;
  ASSERT_EQ(lk_originator_new(&originator, test::kKid, 13, kShared.data(), kShared.size(), 0, test::kLock,
                              "/lock-cse", &error),
            LK_OK);
  Buffer esi;
  ASSERT_EQ(lk_receiver_sec_info(receiver, kNow, &esi.it, &error), LK_OK);
  const auto inner = codec::to_text(codec::to_json(request("c3")));
  lk_exchange* exchange = nullptr;
  lk_action action{};
  ASSERT_EQ(lk_exchange_start(&exchange, originator, inner.c_str(), kNow, &action, &error), LK_OK);
  ASSERT_EQ(lk_exchange_sec_info(exchange, esi.text().c_str(), kNow, &action, &error), LK_OK) << error.detail;
  ASSERT_EQ(action.step, LK_SEND);
  EXPECT_THAT(text_of(action.primitive), testing::Not(HasSubstr(R"("rqi")")));
  const auto outer = with_rqi(action.primitive, "o1");
  lk_buffer_free(&action.primitive);

  lk_reception reception{};
  ASSERT_EQ(lk_receiver_handle(receiver, outer.c_str(), kNow, &reception, &error), LK_OK) << error.detail;
  ASSERT_EQ(reception.kind, LK_INNER) << text_of(reception.reason);
  EXPECT_EQ(text_of(reception.originator), test::kPhone);
  EXPECT_THAT(text_of(reception.primitive), HasSubstr(R"("lbl":["open"])"));
  Buffer answer;
  EXPECT_EQ(lk_receiver_answer(receiver, reception.opened, "{", kNow, &answer.it, &error),
            LK_INVALID_ARGUMENT);
  EXPECT_EQ(lk_receiver_answer(receiver, nullptr, R"({"rsc":2004,"rqi":"c3"})", kNow, &answer.it, &error),
            LK_INVALID_ARGUMENT);
  ASSERT_EQ(
      lk_receiver_answer(receiver, reception.opened, R"({"rsc":2004,"rqi":"c3"})", kNow, &answer.it, &error),
      LK_OK)
      << error.detail;
  lk_reception_free(&reception);
  EXPECT_THAT(answer.text(), testing::Not(HasSubstr("2004")));
  ASSERT_EQ(lk_exchange_answer(exchange, answer.text().c_str(), kNow, &action, &error), LK_OK)
      << error.detail;
  EXPECT_EQ(action.step, LK_FINISHED);
  EXPECT_THAT(text_of(action.primitive), HasSubstr(R"("rsc":2004)"));
  lk_buffer_free(&action.primitive);

  // Once more: nothing is done, and the log learns why.
  ASSERT_EQ(lk_receiver_handle(receiver, outer.c_str(), kNow, &reception, &error), LK_OK);
  EXPECT_EQ(reception.kind, LK_ANSWER);
  EXPECT_THAT(text_of(reception.primitive), HasSubstr(R"("rsc":5210)"));
  EXPECT_THAT(text_of(reception.reason), HasSubstr("replayed"));
  EXPECT_EQ(reception.opened, nullptr);
  lk_reception_free(&reception);
  // In clear, it is nobody's.
  ASSERT_EQ(lk_receiver_handle(receiver, inner.c_str(), kNow, &reception, &error), LK_OK);
  EXPECT_EQ(reception.kind, LK_NOT_ESPRIM);
  lk_reception_free(&reception);
  EXPECT_EQ(lk_receiver_handle(receiver, "{", kNow, &reception, &error), LK_INVALID_ARGUMENT);
  EXPECT_EQ(lk_receiver_handle(receiver, nullptr, kNow, &reception, &error), LK_INVALID_ARGUMENT);
  lk_receiver_remove_key(receiver, test::kKid);
  ASSERT_EQ(lk_receiver_handle(receiver, outer.c_str(), kNow, &reception, &error), LK_OK);
  EXPECT_THAT(text_of(reception.primitive), HasSubstr(R"("rsc":4112)"));
  lk_reception_free(&reception);
  lk_reception_free(nullptr);
  lk_exchange_free(exchange);
  lk_originator_free(originator);
  lk_receiver_free(receiver);
  lk_receiver_free(nullptr);
}

TEST(C, ReceiversThatCannotBe) {
  lk_error error{};
  lk_receiver* receiver = nullptr;
  for (const char* const self : {"/lock-cse", "maf.example", "", static_cast<const char*>(nullptr)})
    EXPECT_EQ(lk_receiver_new(&receiver, self, &error), LK_INVALID_ARGUMENT) << error.detail;
  ASSERT_EQ(lk_receiver_new(&receiver, test::kLock, &error), LK_OK);
  const auto add = [&](int suid, std::size_t size, const char* peer, const std::uint8_t* key) {
    return lk_receiver_add_key(receiver, "K", suid, key, size, 0, peer, &error);
  };
  EXPECT_EQ(add(12, 32, test::kPhone, kShared.data()), LK_INVALID_ARGUMENT);
  EXPECT_EQ(add(13, 8, test::kPhone, kShared.data()), LK_INVALID_ARGUMENT);
  EXPECT_EQ(add(13, 32, "/in-cse/Cphone", kShared.data()), LK_INVALID_ARGUMENT);
  EXPECT_EQ(add(13, 32, test::kPhone, nullptr), LK_INVALID_ARGUMENT);
  EXPECT_EQ(add(13, 32, test::kPhone, kShared.data()), LK_OK) << error.detail;
  lk_receiver_free(receiver);
}

TEST(C, ExchangesThatCannotBe) {
  lk_error error{};
  lk_originator* originator = nullptr;
  const auto make = [&](int suid, const char* receiver, std::size_t size = 32) {
    return lk_originator_new(&originator, "K", suid, kShared.data(), size, 0, receiver, "/lock-cse", &error);
  };
  EXPECT_EQ(make(12, test::kLock), LK_INVALID_ARGUMENT);
  EXPECT_EQ(make(13, "/lock-cse"), LK_INVALID_ARGUMENT);
  EXPECT_EQ(make(13, nullptr), LK_INVALID_ARGUMENT);
  EXPECT_EQ(make(13, test::kLock, 8), LK_INVALID_ARGUMENT);
  ASSERT_EQ(make(13, test::kLock), LK_OK);
  lk_exchange* exchange = nullptr;
  lk_action action{};
  EXPECT_EQ(lk_exchange_start(&exchange, originator, "{", kNow, &action, &error), LK_INVALID_ARGUMENT);
  EXPECT_EQ(lk_exchange_start(&exchange, originator, nullptr, kNow, &action, &error), LK_INVALID_ARGUMENT);
  EXPECT_EQ(exchange, nullptr);
  const auto inner = codec::to_text(codec::to_json(request("c2")));
  ASSERT_EQ(lk_exchange_start(&exchange, originator, inner.c_str(), kNow, &action, &error), LK_OK);
  EXPECT_EQ(lk_exchange_sec_info(exchange, nullptr, kNow, &action, &error), LK_UNSUPPORTED);
  EXPECT_THAT(error.detail, HasSubstr("no ESPrim"));
  lk_exchange_free(exchange);
  lk_originator_free(originator);
}

}  // namespace
}  // namespace latchkey::e2e
