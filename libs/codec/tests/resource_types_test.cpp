/// The tables of resource types against TS-0001 9.6 and TS-0004 7.4.
#include "latchkey/codec/resource_types.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "cover.h"
#include "support/matchers.h"

namespace latchkey::codec {
namespace {

struct Row {
  std::string type, attribute, create, update, multiplicity, release;
};

std::vector<Row> rows() {
  std::vector<Row> out;
  std::istringstream in(test::data_file("resource_attributes.tsv"));
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream cells(line);
    Row row;
    cells >> row.type >> row.attribute >> row.create >> row.update >> row.multiplicity >> row.release;
    out.push_back(std::move(row));
  }
  return out;
}

std::string letter(Presence presence) {
  return presence == Presence::mandatory ? "M" : presence == Presence::optional ? "O" : "NP";
}

TEST(ResourceTables, presence_and_multiplicity_are_those_of_the_standard) {
  ASSERT_GT(rows().size(), 200U);
  for (const auto& row : rows()) {
    const auto* const type = resource_type("m2m:" + row.type);
    ASSERT_NE(type, nullptr) << row.type;
    const auto* const spec = attribute(*type, row.attribute);
    ASSERT_NE(spec, nullptr) << row.type << "." << row.attribute;
    // supportedReleaseVersions is mandatory for those who know releases; a release 1 originator does not send
    // it.
    const std::string create = spec->since_2a ? "M" : letter(spec->create);
    EXPECT_EQ(create, row.create) << row.type << "." << row.attribute;
    if (type->api_update) {
      EXPECT_EQ(letter(spec->update), row.update) << row.type << "." << row.attribute;
    }
    // Multiplicity matters where a client may delete.
    if (spec->update == Presence::optional) {
      EXPECT_EQ(spec->one, row.multiplicity == "1") << row.type << "." << row.attribute;
    }
  }
}

TEST(ResourceTables, hold_nothing_else) {
  std::map<std::string, std::set<std::string>> known;
  for (const auto& row : rows()) known["m2m:" + row.type].insert(row.attribute);
  for (const auto ty : implemented_types()) {
    const auto& type = *resource_type(ty);
    std::set<std::string> seen;
    for (const auto& spec : type.attributes) {
      EXPECT_TRUE(known[std::string(type.element)].contains(std::string(spec.short_name)))
          << type.element << "." << spec.short_name;
      EXPECT_TRUE(seen.emplace(spec.short_name).second) << type.element << "." << spec.short_name << " twice";
      EXPECT_FALSE(spec.long_name.empty());
    }
  }
}

TEST(ResourceTables, only_attributes_without_their_feature_are_not_offered) {
  std::set<std::string> not_offered;
  for (const auto ty : implemented_types()) {
    for (const auto& spec : resource_type(ty)->attributes) {
      if (!spec.implemented) not_offered.emplace(spec.short_name);
    }
  }
  EXPECT_EQ(not_offered,
            (std::set<std::string>{"aa", "acrs", "aid", "ape", "at", "egid", "gec", "gta", "luec", "mtcc",
                                   "nar", "nrq", "regs", "rlkl", "scp", "spty", "trps"}));
}

TEST(ResourceTypes, offered_ones_are_found_by_number_and_element) {
  const std::map<std::uint32_t, std::string> types{
      {1, "m2m:acp"},  {2, "m2m:ae"},    {3, "m2m:cnt"},   {4, "m2m:cin"},   {5, "m2m:cb"},
      {9, "m2m:grp"},  {10, "m2m:lcp"},  {11, "m2m:mssp"}, {14, "m2m:nod"},  {15, "m2m:pch"},
      {16, "m2m:csr"}, {19, "m2m:asar"}, {20, "m2m:svsn"}, {23, "m2m:sub"},  {31, "m2m:rol"},
      {32, "m2m:tk"},  {34, "m2m:dac"},  {35, "m2m:auds"}, {36, "m2m:aupy"}, {37, "m2m:auif"}};
  std::vector<std::uint32_t> numbers;
  for (const auto& [ty, element] : types) {
    const auto* const type = resource_type(ty);
    ASSERT_NE(type, nullptr) << ty;
    EXPECT_EQ(type->ty, ty);
    EXPECT_EQ(type->element, element);
    EXPECT_EQ(resource_type(element), type);
    numbers.push_back(ty);
  }
  EXPECT_TRUE(std::ranges::equal(implemented_types(), numbers));
}

TEST(ResourceTypes, others_are_not) {
  for (const std::uint32_t ty : {0U, 6U, 13U, 17U, 18U, 28U, 29U, 30U, 33U, 38U, 10002U, UINT32_MAX})
    EXPECT_EQ(resource_type(ty), nullptr) << ty;
  for (const char* element : {"", "cnt", "m2m:", "m2m:CNT", "m2m:fcnt", "sec:macr"})
    EXPECT_EQ(resource_type(element), nullptr) << element;
  EXPECT_EQ(attribute(*resource_type(3), "con"), nullptr);
  EXPECT_EQ(attribute(*resource_type(3), ""), nullptr);
}

bool permits(std::uint32_t parent, std::uint32_t child) {
  const auto children = resource_type(parent)->children;
  return std::ranges::find(children, child) != children.end();
}

TEST(ResourceTypes, children_are_those_of_the_standard) {
  // Rows: parent; columns: the offered types (TS-0004 7.4, table of child resources).
  const std::map<std::uint32_t, std::set<std::uint32_t>> expected{
      {5, {1, 2, 3, 9, 10, 11, 14, 16, 19, 23, 31, 32, 34, 35, 36, 37}},
      {16, {1, 3, 9, 15, 23, 34}},
      {2, {1, 3, 9, 15, 23, 34}},
      {3, {3, 4, 23}},
      {4, {}},
      {23, {}},
      {9, {23}},
      {10, {23}},
      {14, {23}},
      {15, {}},
      {11, {20, 23}},
      {20, {23}},
      {19, {23}},
      {1, {23}},
      {31, {23}},
      {32, {23}},
      {34, {23}},
      {35, {23}},
      {36, {23}},
      {37, {23}}};
  for (const auto parent : implemented_types()) {
    for (const auto child : implemented_types()) {
      EXPECT_EQ(permits(parent, child), expected.at(parent).contains(child)) << parent << " above " << child;
    }
  }
  EXPECT_TRUE(permits(5, 43));  // not offered, but no wrong child
  EXPECT_TRUE(permits(14, 13));
}

TEST(ResourceTypes, flags) {
  const auto where = [](auto flag) {
    std::set<std::uint32_t> found;
    for (const auto ty : implemented_types()) {
      if (resource_type(ty)->*flag) found.insert(ty);
    }
    return found;
  };
  EXPECT_EQ(where(&ResourceTypeSpec::in_only), (std::set<std::uint32_t>{11, 19, 20}));
  EXPECT_EQ(where(&ResourceTypeSpec::has_acpi),
            (std::set<std::uint32_t>{2, 3, 5, 9, 10, 11, 14, 16, 19, 20, 23, 31, 32, 34, 35, 36, 37}));
  EXPECT_EQ(where(&ResourceTypeSpec::api_create),
            (std::set<std::uint32_t>{1, 2, 3, 4, 9, 10, 11, 14, 15, 16, 19, 20, 23, 31, 32, 34, 35, 36, 37}));
  EXPECT_EQ(where(&ResourceTypeSpec::api_update),
            (std::set<std::uint32_t>{1, 2, 3, 9, 10, 11, 14, 15, 16, 19, 20, 23, 31, 32, 34, 35, 36, 37}));
  for (const auto ty : implemented_types()) {
    EXPECT_EQ(resource_type(ty)->has_acpi, attribute(*resource_type(ty), "acpi") != nullptr) << ty;
  }
}

TEST(MafResourceTypes, are_those_of_tr_0038_with_the_prefix_sec) {
  latchkey::test::cover({"12.1-02"});
  const std::map<std::uint32_t, std::string> types{{1, "sec:mab"}, {3, "sec:macr"}, {5, "sec:mkr"}};
  for (const auto& [ty, element] : types) {
    ASSERT_NE(maf_resource_type(ty), nullptr) << ty;
    EXPECT_EQ(maf_resource_type(ty)->element, element);
  }
  for (const std::uint32_t ty : {0U, 2U, 4U, 6U}) EXPECT_EQ(maf_resource_type(ty), nullptr) << ty;
  EXPECT_FALSE(maf_resource_type(1)->api_create);
  EXPECT_EQ(maf_resource_type(1)->children[0], 3U);
  EXPECT_EQ(maf_resource_type(3)->children[0], 5U);
  EXPECT_TRUE(maf_resource_type(5)->children.empty());
}

}  // namespace
}  // namespace latchkey::codec
