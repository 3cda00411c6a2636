#include "reference_hmac.h"

#include <array>
#include <bit>
#include <cmath>

namespace latchkey::test {
namespace {

/// FIPS 180-4 4.2.2, 5.3.3: the first 32 bits of the fractional parts of roots of the first primes.
std::vector<std::uint32_t> fractional_roots(std::size_t count, double power) {
  std::vector<std::uint32_t> out;
  for (unsigned candidate = 2; out.size() < count; ++candidate) {
    bool prime = true;
    for (unsigned divisor = 2; divisor * divisor <= candidate; ++divisor)
      prime = prime && candidate % divisor != 0;
    if (!prime) continue;
    const long double root =
        std::pow(static_cast<long double>(candidate), static_cast<long double>(1) / power);
    out.push_back(static_cast<std::uint32_t>((root - std::floor(root)) * 4294967296.0L));
  }
  return out;
}

void compress(std::vector<std::uint32_t>& state, ByteView block) {
  static const std::vector<std::uint32_t> k = fractional_roots(64, 3);
  std::array<std::uint32_t, 64> w{};
  for (std::size_t t = 0; t < 64; ++t) {
    if (t < 16) {
      for (std::size_t i = 0; i < 4; ++i) w[t] = w[t] << 8U | block[4 * t + i];
    } else {
      const auto s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3U;
      const auto s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10U;
      w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
  }
  auto v = state;
  for (std::size_t t = 0; t < 64; ++t) {
    const auto s1 = std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25);
    const auto s0 = std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22);
    const auto t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[t] + w[t];
    const auto t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    v = {t1 + t2, v[0], v[1], v[2], v[3] + t1, v[4], v[5], v[6]};
  }
  for (std::size_t i = 0; i < 8; ++i) state[i] += v[i];
}

}  // namespace

Bytes reference_sha256(ByteView data) {
  Bytes padded(data.begin(), data.end());
  padded.push_back(0x80);
  while (padded.size() % 64 != 56) padded.push_back(0);
  for (unsigned shift = 64; shift > 0; shift -= 8) {
    padded.push_back(static_cast<std::uint8_t>(std::uint64_t{data.size()} * 8 >> (shift - 8)));
  }
  auto state = fractional_roots(8, 2);
  for (std::size_t at = 0; at < padded.size(); at += 64) compress(state, ByteView(padded).subspan(at, 64));
  Bytes out;
  for (const std::uint32_t word : state) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<std::uint8_t>(word >> shift));
  }
  return out;
}

Bytes reference_hmac(ByteView key, ByteView data) {
  Bytes padded = key.size() > 64 ? reference_sha256(key) : Bytes(key.begin(), key.end());
  padded.resize(64);
  Bytes inner, outer;
  for (const std::uint8_t octet : padded) {
    inner.push_back(octet ^ 0x36);
    outer.push_back(octet ^ 0x5C);
  }
  inner.insert(inner.end(), data.begin(), data.end());
  const Bytes hash = reference_sha256(inner);
  outer.insert(outer.end(), hash.begin(), hash.end());
  return reference_sha256(outer);
}

}  // namespace latchkey::test
