#include "latchkey/base/secret.h"

#include <gtest/gtest.h>

#include <ostream>
#include <type_traits>

namespace latchkey {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

TEST(SecretBytes, CannotBeCopiedOrPrinted) {
  static_assert(!std::is_copy_constructible_v<SecretBytes> && !std::is_copy_assignable_v<SecretBytes>);
  static_assert(std::is_nothrow_move_constructible_v<SecretBytes> &&
                std::is_nothrow_move_assignable_v<SecretBytes>);
  static_assert(!Printable<SecretBytes> && !Printable<Kpsa>);
  static_assert(!std::is_convertible_v<SecretBytes, ByteView>);
}

TEST(SecretBytes, KeysOfOneKindAreNoKeysOfAnother) {
  static_assert(!std::is_constructible_v<Km, Kc> && !std::is_convertible_v<SecretBytes, Km>);
  static_assert(!std::is_copy_constructible_v<Ke>);
}

TEST(SecretBytes, MovesAndLeavesTheSourceEmpty) {
  SecretBytes a = SecretBytes::copy_of(as_bytes("secret"));
  SecretBytes b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the state of the source is what is tested
  EXPECT_EQ(as_text(b.reveal()), "secret");
  a = std::move(b);
  EXPECT_EQ(as_text(a.reveal()), "secret");
  SecretBytes& same = a;
  a = std::move(same);
  EXPECT_EQ(as_text(a.reveal()), "secret") << "a move to itself loses nothing";
}

TEST(SecretBytes, TakeWipesWhatItTookFrom) {
  Bytes source = {1, 2, 3, 4};
  const SecretBytes taken = SecretBytes::take(std::move(source));
  EXPECT_EQ(taken, SecretBytes::copy_of(Bytes{1, 2, 3, 4}));
  ASSERT_TRUE(source.empty() &&
              source.capacity() >= 4);  // NOLINT(bugprone-use-after-move): this is what is tested
  const std::uint8_t* const octets = source.data();
  source.reserve(4);  // the same memory, which the vector kept
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(std::launder(octets)[i], 0);
}

TEST(SecretBytes, WipeOverwrites) {
  Bytes octets = {1, 2, 3};
  wipe(octets.data(), octets.size());
  EXPECT_EQ(octets, Bytes(3));
  wipe(nullptr, 0);
}

TEST(SecretBytes, NewOnesAreZeroAndPartsAreCopies) {
  EXPECT_EQ(SecretBytes(4), SecretBytes::copy_of(Bytes(4)));
  SecretBytes whole = SecretBytes::copy_of(as_bytes("abcdef"));
  const SecretBytes first = whole.first(3), duplicate = whole.duplicate();
  whole.reveal_writable()[0] = 'X';
  EXPECT_EQ(as_text(first.reveal()), "abc");
  EXPECT_EQ(as_text(duplicate.reveal()), "abcdef");
}

TEST(ConstantTimeEqual, ComparesLengthAndOctets) {
  const Bytes a = {1, 2, 3};
  EXPECT_TRUE(constant_time_equal(a, Bytes{1, 2, 3}));
  EXPECT_TRUE(constant_time_equal({}, {}));
  EXPECT_FALSE(constant_time_equal(a, Bytes{1, 2}));
  for (std::size_t bit = 0; bit < 24; ++bit) {
    Bytes b = a;
    b[bit / 8] = static_cast<std::uint8_t>(b[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(constant_time_equal(a, b)) << bit;
  }
}

TEST(SecretFromHex, ReadsBothCases) {
  EXPECT_EQ(secret_from_hex("1a2B3c").value(), SecretBytes::copy_of(Bytes{0x1A, 0x2B, 0x3C}));
  EXPECT_TRUE(secret_from_hex("").value().empty());
}

TEST(SecretFromHex, DetailNeverRepeatsTheText) {
  for (const char* bad : {"1a2b3c4d5e6f7a8", "1a2b3c4d5e6f7a8z", "0x1a2b3c4d5e6f7a"}) {
    const auto secret = secret_from_hex(bad);
    ASSERT_FALSE(secret.has_value());
    EXPECT_EQ(secret.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(secret.error().detail.find("1a2b"), std::string::npos);
  }
}

}  // namespace
}  // namespace latchkey
