#pragma once
/// Writes small MaxMind DB files (format 2.0): a binary tree over the bits of the address, then data, then
/// metadata.
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/authz/pdp.h"

namespace latchkey::cse::test {

class MmdbWriter {
 public:
  /// `address` in 16 octets, IPv4 as the last four of ::/96; `bits` of the 128.
  MmdbWriter& network(const authz::IpAddress& address, unsigned bits, std::string_view country) {
    std::size_t node = 0;
    for (unsigned bit = 0;; ++bit) {
      const unsigned octet = address[bit / 8];
      const unsigned side = (octet >> (7 - bit % 8)) & 1U;
      if (bit + 1 == bits) {
        nodes_[node].side[side] = {Kind::data, data_of(country)};
        return *this;
      }
      if (nodes_[node].side[side].kind != Kind::node) {
        nodes_[node].side[side] = {Kind::node, nodes_.size()};
        nodes_.emplace_back();
      }
      node = nodes_[node].side[side].value;
    }
  }
  MmdbWriter& v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, unsigned bits, std::string_view country) {
    return network({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, 0}, 96 + bits, country);
  }
  MmdbWriter& type(std::string name) {
    type_ = std::move(name);
    return *this;
  }

  void write(const std::string& path) const {
    std::string out;
    for (const auto& node : nodes_) {
      for (const auto& side : node.side) {
        // Record: a node number; the number of nodes for "nothing"; beyond that, data at an offset + 16.
        auto record = static_cast<std::uint32_t>(nodes_.size());
        if (side.kind == Kind::node) record = static_cast<std::uint32_t>(side.value);
        if (side.kind == Kind::data) record += 16 + static_cast<std::uint32_t>(side.value);
        for (const int shift : {16, 8, 0}) out += static_cast<char>(record >> shift & 0xffU);
      }
    }
    out += std::string(16, '\0') + data_ + "\xab\xcd\xefMaxMind.com" + metadata();
    std::ofstream(path, std::ios::binary | std::ios::trunc) << out;
  }

 private:
  enum class Kind { nothing, node, data };
  struct Side {
    Kind kind = Kind::nothing;
    std::size_t value = 0;
  };
  struct Node {
    Side side[2];
  };

  static std::string text(std::string_view value) {
    return static_cast<char>(2U << 5U | value.size()) + std::string(value);
  }
  static std::string map(std::size_t entries) { return {static_cast<char>(7U << 5U | entries)}; }
  static std::string u16(std::uint16_t value) {
    return {static_cast<char>(5U << 5U | 2U), static_cast<char>(value >> 8U),
            static_cast<char>(value & 0xffU)};
  }
  static std::string u32(std::uint32_t value) {
    std::string out{static_cast<char>(6U << 5U | 4U)};
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(value >> shift & 0xffU);
    return out;
  }
  std::string metadata() const {
    // Types above 7 are written as 0 with the type less 7 behind: an array is 11, uint64 is 9.
    const std::string languages{'\0', '\x04'};
    const std::string epoch{'\x01', '\x02', '\x01'};
    return map(9) + text("binary_format_major_version") + u16(2) + text("binary_format_minor_version") +
           u16(0) + text("build_epoch") + epoch + text("database_type") + text(type_) + text("description") +
           map(0) + text("ip_version") + u16(6) + text("languages") + languages + text("node_count") +
           u32(static_cast<std::uint32_t>(nodes_.size())) + text("record_size") + u16(24);
  }
  std::size_t data_of(std::string_view country) {
    const auto at = data_.size();
    data_ += map(1) + text("country") + map(1) + text("iso_code") + text(country);
    return at;
  }

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::string data_;
  std::string type_ = "Test-Country";
};

}  // namespace latchkey::cse::test
