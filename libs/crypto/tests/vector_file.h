#pragma once
/// Reads the .vec files beside the tests: name, function, then hex fields, separated by tabs; '#' begins a
/// comment.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "latchkey/base/bytes.h"

namespace latchkey::test {

struct Vector {
  std::string name;
  std::string function;
  std::vector<Bytes> fields;
};

inline std::vector<Vector> read_vectors(const std::string& file) {
  std::ifstream in(std::string(LATCHKEY_TEST_DATA) + "/" + file);
  EXPECT_TRUE(in.is_open()) << file;
  std::vector<Vector> out;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream parts(line);
    Vector vector;
    std::getline(parts, vector.name, '\t');
    std::getline(parts, vector.function, '\t');
    for (std::string field; std::getline(parts, field, '\t');)
      vector.fields.push_back(from_hex(field).value());
    out.push_back(std::move(vector));
  }
  return out;
}

inline std::vector<Vector> vectors_of(const std::string& file, const std::string& function) {
  auto out = read_vectors(file);
  std::erase_if(out, [&](const Vector& vector) { return vector.function != function; });
  EXPECT_FALSE(out.empty()) << function;
  return out;
}

}  // namespace latchkey::test
