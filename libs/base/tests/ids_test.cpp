// Names and entities: TS-0001 7.1, 7.2, 6.5.1.1, Annex H.
#include "latchkey/base/ids.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace latchkey {
namespace {

SpId home() { return SpId::parse("//m2m.sp.example").value(); }
CseId in_cse() { return CseId::from_stem(home(), "in-cse").value(); }
template <class T>
std::string reason(const Result<T>& result) {
  if (result) return "accepted";
  return std::string(to_string(result.error().code)) + ": " + result.error().detail;
}
bool refused(const std::string& reason) { return reason.starts_with("invalid_argument: "); }

TEST(Fqdn, KeepsTheSpellingAndComparesFolded) {
  const auto name = Fqdn::parse("myMAF.provider.org").value();
  EXPECT_EQ(name.text(), "myMAF.provider.org");
  EXPECT_EQ(name.folded(), "mymaf.provider.org");
  EXPECT_EQ(name, Fqdn::parse("MYMAF.Provider.ORG").value());
  EXPECT_LT(name, Fqdn::parse("z.example").value());
}

TEST(Fqdn, BothSidesOfTheLengthLimits) {
  const std::string label63(63, 'a');
  EXPECT_TRUE(Fqdn::parse(label63 + ".org").has_value());
  EXPECT_FALSE(Fqdn::parse(label63 + "a.org").has_value());
  const std::string name253 = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'b');
  ASSERT_EQ(name253.size(), 253U);
  EXPECT_TRUE(Fqdn::parse(name253).has_value());
  EXPECT_FALSE(Fqdn::parse(name253 + "b").has_value());
}

struct Bad {
  const char* name;
  std::string_view text;
};
const auto case_name = [](const auto& bad) { return bad.param.name; };

class FqdnRefuses : public testing::TestWithParam<Bad> {};
INSTANTIATE_TEST_SUITE_P(Defects, FqdnRefuses,
                         testing::Values(Bad{"empty", ""}, Bad{"single_label", "localhost"},
                                         Bad{"underscore", "my.example_m2mprovider.org"},
                                         Bad{"slash", "host/cse-id"}, Bad{"trailing_dot", "in.provider.com."},
                                         Bad{"leading_dot", ".provider.com"}, Bad{"double_dot", "in..com"},
                                         Bad{"wildcard", "*.provider.com"},
                                         Bad{"leading_hyphen", "-in.provider.com"},
                                         Bad{"trailing_hyphen", "in-.provider.com"}, Bad{"ipv4", "192.0.2.1"},
                                         Bad{"ipv6", "::1"}, Bad{"port", "in.provider.com:8443"},
                                         Bad{"space", "in provider.com"}, Bad{"utf8", "caf\xC3\xA9.example"},
                                         Bad{"zero_octet", std::string_view("a\0.example", 10)}),
                         case_name);
TEST_P(FqdnRefuses, WithInvalidArgument) { EXPECT_TRUE(refused(reason(Fqdn::parse(GetParam().text)))); }

TEST(Fqdn, IsWithinItselfAndItsParentsOnly) {
  const auto name = [](const char* text) { return Fqdn::parse(text).value(); };
  EXPECT_TRUE(name("provider.org").is_within(name("Provider.org")));
  EXPECT_TRUE(name("a.b.PROVIDER.org").is_within(name("provider.org")));
  EXPECT_FALSE(name("evilprovider.org").is_within(name("provider.org")));
  EXPECT_FALSE(name("provider.org").is_within(name("a.provider.org")));
  EXPECT_FALSE(name("provider.org.example").is_within(name("provider.org")));
}

TEST(SpId, IsTwoSlashesAndALowerCaseName) {
  EXPECT_EQ(SpId::parse("//M2M.sp.example").value().text(), "//m2m.sp.example");
  EXPECT_EQ(SpId::parse("//M2M.sp.example").value(), home());
  for (const char* bad : {"", "m2m.sp.example", "/m2m.sp.example", "///m2m.sp.example", "//",
                          "//m2m.sp.example/", "//m2m.sp.example/x"}) {
    EXPECT_TRUE(refused(reason(SpId::parse(bad)))) << bad;
  }
}

TEST(CseId, AbsoluteAndSpRelativeFormsAreTheSame) {
  const auto absolute = CseId::parse("//m2m.sp.example/in-cse", home()).value();
  const auto relative = CseId::parse("/in-cse", home()).value();
  EXPECT_EQ(absolute, relative);
  EXPECT_EQ(relative.absolute(), "//m2m.sp.example/in-cse");
  EXPECT_EQ(absolute.sp_relative(), "/in-cse");
  EXPECT_EQ(std::unordered_set<CseId>({absolute, relative}).size(), 1U);
  EXPECT_NE(CseId::parse("//other.example/in-cse", home()).value(), relative)
      << "of another service provider";
  EXPECT_NE(CseId::parse("/IN-CSE", home()).value(), relative) << "the stem is case-sensitive";
}

class CseIdRefuses : public testing::TestWithParam<Bad> {};
INSTANTIATE_TEST_SUITE_P(Defects, CseIdRefuses,
                         testing::Values(Bad{"empty", ""}, Bad{"no_slash", "in-cse"}, Bad{"only_slash", "/"},
                                         Bad{"only_sp", "//m2m.sp.example"},
                                         Bad{"sp_without_stem", "//m2m.sp.example/"},
                                         Bad{"two_segments", "/in-cse/x"}, Bad{"trailing_slash", "/in-cse/"},
                                         Bad{"bad_sp", "//m2m_sp.example/in-cse"}, Bad{"space", "/in cse"},
                                         Bad{"percent", "/in%2Dcse"}, Bad{"wildcard", "/in-*"},
                                         Bad{"reserved_dash", "/-"}, Bad{"dot", "/."}, Bad{"dot_dot", "/.."},
                                         Bad{"looks_like_an_ae", "/Slock"}, Bad{"utf8", "/caf\xC3\xA9"},
                                         Bad{"control", "/in\n"}),
                         case_name);
TEST_P(CseIdRefuses, WithInvalidArgument) {
  EXPECT_TRUE(refused(reason(CseId::parse(GetParam().text, home()))));
}

TEST(CseId, BothSidesOfTheLengthLimit) {
  EXPECT_TRUE(CseId::from_stem(home(), std::string(255, 'x')).has_value());
  EXPECT_FALSE(CseId::from_stem(home(), std::string(256, 'x')).has_value());
}

TEST(CseId, PublicDomainName) {
  const auto mn = CseId::from_stem(home(), "mn1").value();
  EXPECT_EQ(in_cse().public_domain_name(std::nullopt).value().text(), "in-cse.m2m.sp.example");
  EXPECT_EQ(in_cse().public_domain_name(in_cse()).value().text(), "in-cse.m2m.sp.example");
  EXPECT_EQ(mn.public_domain_name(in_cse()).value().text(), "mn1.in-cse.m2m.sp.example");
  for (const char* stem : {"a.b", "a_b", "-a", "a~"}) {
    const auto odd = CseId::from_stem(home(), stem).value();
    EXPECT_TRUE(refused(reason(odd.public_domain_name(std::nullopt)))) << stem;
    EXPECT_TRUE(refused(reason(mn.public_domain_name(odd)))) << stem;
  }
  const auto foreign = CseId::parse("//other.example/in", home()).value();
  EXPECT_TRUE(refused(reason(mn.public_domain_name(foreign))));
}

TEST(AeId, STypeBelongsToTheServiceProvider) {
  const auto ae = AeId::parse("/Slock01", home()).value();
  EXPECT_EQ(ae, AeId::parse("//m2m.sp.example/Slock01", home()).value());
  EXPECT_EQ(ae, AeId::from_stem("Slock01", in_cse()).value());
  EXPECT_TRUE(ae.sp_assigned());
  EXPECT_EQ(ae.registrar(), std::nullopt);
  EXPECT_EQ(ae.registrar_stem(), "");
  EXPECT_EQ(ae.sp_relative(), "/Slock01");
  EXPECT_EQ(ae.absolute(), "//m2m.sp.example/Slock01");
}

TEST(AeId, CTypeBelongsToItsRegistrar) {
  const auto ae = AeId::parse("/in-cse/C0815", home()).value();
  EXPECT_EQ(ae, AeId::parse("//m2m.sp.example/in-cse/C0815", home()).value());
  EXPECT_EQ(ae, AeId::from_stem("C0815", in_cse()).value());
  EXPECT_FALSE(ae.sp_assigned());
  EXPECT_EQ(ae.registrar(), in_cse());
  EXPECT_EQ(ae.absolute(), "//m2m.sp.example/in-cse/C0815");
  EXPECT_NE(ae, AeId::parse("/mn1/C0815", home()).value());
  EXPECT_EQ(std::unordered_set<AeId>({ae, ae}).size(), 1U);
}

class AeIdRefuses : public testing::TestWithParam<Bad> {};
INSTANTIATE_TEST_SUITE_P(Defects, AeIdRefuses,
                         testing::Values(Bad{"empty", ""}, Bad{"bare_stem", "Slock"},
                                         Bad{"only_letter", "/S"}, Bad{"c_without_cse", "/Clock"},
                                         Bad{"s_behind_cse", "/in-cse/Slock"}, Bad{"other_letter", "/Xlock"},
                                         Bad{"small_s", "/slock"}, Bad{"three_segments", "/a/b/Clock"},
                                         Bad{"empty_cse", "//m2m.sp.example//Clock"},
                                         Bad{"dash_cse", "/-/Clock"}, Bad{"s_cse", "/Sx/Clock"},
                                         Bad{"wildcard", "/Slo*"}, Bad{"trailing_slash", "/Slock/"},
                                         Bad{"space", "/S lock"}, Bad{"line_break", "/Slock\n"}),
                         case_name);
TEST_P(AeIdRefuses, WithInvalidArgument) {
  EXPECT_TRUE(refused(reason(AeId::parse(GetParam().text, home()))));
}

TEST(AeId, StemsOfARegistree) {
  for (const char* bad : {"", "S", "C", "lock", "Slock/x", "S\x01", "Cl ock"})
    EXPECT_TRUE(refused(reason(AeId::from_stem(bad, in_cse())))) << bad;
  EXPECT_TRUE(AeId::from_stem("S" + std::string(254, 'x'), in_cse()).has_value());
  EXPECT_FALSE(AeId::from_stem("S" + std::string(255, 'x'), in_cse()).has_value());
}

TEST(M2mDeviceId, ReadsTheFormOfTr0038AndDots) {
  const auto spaced = M2mDeviceId::parse("0 2 481 1 100 3030 10011").value();
  const auto dotted = M2mDeviceId::parse("0.2.481.1.100.3030.10011").value();
  EXPECT_EQ(spaced, dotted);
  EXPECT_EQ(spaced.spaced(), "0 2 481 1 100 3030 10011");
  EXPECT_EQ(spaced.dotted(), "0.2.481.1.100.3030.10011");
  EXPECT_EQ(spaced.higher_arc(), "0.2.481.1");
  EXPECT_EQ(spaced.remainder(), "100.3030.10011");
  EXPECT_EQ(M2mDeviceId::parse("0.2.481.1.100.3030.10011.7").value().remainder(), "100.3030.10011.7");
  EXPECT_EQ(M2mDeviceId::parse("2.999.4294967295.0.4294967295.4294967295.4294967295.4294967295")
                .value()
                .arcs()
                .size(),
            8U);
}

class DeviceIdRefuses : public testing::TestWithParam<Bad> {};
INSTANTIATE_TEST_SUITE_P(
    Defects, DeviceIdRefuses,
    testing::Values(
        Bad{"empty", ""}, Bad{"six_arcs", "0.2.481.1.100.3030"}, Bad{"nine_arcs", "0.2.481.1.1.2.3.4.5"},
        Bad{"mixed_separators", "0.2.481.1 100 3030 10011"}, Bad{"leading_zero", "0.2.481.1.0100.3030.10011"},
        Bad{"empty_arc", "0.2.481..100.3030.10011"}, Bad{"trailing_dot", "0.2.481.1.100.3030.10011."},
        Bad{"negative", "0.2.481.1.100.3030.-1"}, Bad{"hex", "0.2.481.1.100.3030.0xA"},
        Bad{"33_bits", "0.2.481.1.100.3030.4294967296"}, Bad{"first_arc_3", "3.2.481.1.100.3030.10011"},
        Bad{"second_arc_40", "0.40.481.1.100.3030.10011"}, Bad{"double_space", "0  2 481 1 100 3030 10011"},
        Bad{"urn", "urn:oid:0.2.481.1.100.3030.10011"}),
    case_name);
TEST_P(DeviceIdRefuses, WithInvalidArgument) {
  EXPECT_TRUE(refused(reason(M2mDeviceId::parse(GetParam().text))));
}

TEST(EntityId, TextOfEachKindParsesToItself) {
  for (const char* text :
       {"//m2m.sp.example/in-cse", "//m2m.sp.example/Slock", "//m2m.sp.example/in-cse/Clock",
        "//other.example/mn", "0.2.481.1.100.3030.10011", "mymaf.provider.org"}) {
    EXPECT_EQ(to_string(parse_entity_id(text, home()).value()), text);
  }
}

TEST(EntityId, ShortFormsAreCompleted) {
  const auto kind = [](const char* text) { return parse_entity_id(text, home()).value(); };
  EXPECT_EQ(std::get<CseId>(kind("/in-cse")), in_cse());
  EXPECT_EQ(std::get<AeId>(kind("/Slock")).absolute(), "//m2m.sp.example/Slock");
  EXPECT_EQ(std::get<AeId>(kind("/in-cse/Clock")).absolute(), "//m2m.sp.example/in-cse/Clock");
  EXPECT_TRUE(std::holds_alternative<CseId>(kind("/Clock"))) << "a C-type AE-ID has a CSE part";
  EXPECT_TRUE(std::holds_alternative<M2mDeviceId>(kind("0 2 481 1 100 3030 10011")));
  EXPECT_EQ(to_string(kind("myMAF.provider.org")), "mymaf.provider.org");
}

class EntityIdRefuses : public testing::TestWithParam<Bad> {};
INSTANTIATE_TEST_SUITE_P(Defects, EntityIdRefuses,
                         testing::Values(Bad{"empty", ""}, Bad{"bare_stem", "Slock"},
                                         Bad{"bare_word", "admin"}, Bad{"only_sp", "//m2m.sp.example"},
                                         Bad{"slash", "/"}, Bad{"s_behind_cse", "/in-cse/Slock"},
                                         Bad{"resource", "/in-cse/cb/cnt"}, Bad{"ipv4", "192.0.2.1"},
                                         Bad{"short_oid", "0.2.481.1"}, Bad{"wildcard", "*"},
                                         Bad{"only_s", "/S"}, Bad{"key_identifier", "AE1@my.m2mprovider.org"},
                                         Bad{"url", "https://m2m.sp.example/"}),
                         case_name);
TEST_P(EntityIdRefuses, WithInvalidArgument) {
  EXPECT_TRUE(refused(reason(parse_entity_id(GetParam().text, home()))));
}

}  // namespace
}  // namespace latchkey
