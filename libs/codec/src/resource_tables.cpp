/// The resource types of TS-0001 9.6 and TS-0004 7.4 that this CSE offers. Release 2A, with the R3
/// attributes.
#include "resource_tables.h"

#include <algorithm>

#include "attribute_names.h"

namespace latchkey::codec {
namespace tables {
namespace {

using enum ValueKind;
using std::array;

// Universal and common attributes (TS-0001 9.6.1.3).

constexpr array kUniversal{
    once("rn", "resourceName", resource_name),
    by_cse("ty", "resourceType", non_negative_integer),
    by_cse("ri", "resourceID", id),
    by_cse("pi", "parentID", id),
    by_cse("ct", "creationTime", timestamp),
    by_cse("lt", "lastModifiedTime", timestamp),
    optional("lbl", "labels", string_list),
};
constexpr array kExpires{always(optional("et", "expirationTime", timestamp))};
constexpr array kProtected{optional("acpi", "accessControlPolicyIDs", id_list),
                           optional("daci", "dynamicAuthorizationConsultationIDs", id_list)};
constexpr array kAnnounceable{not_offered("at", "announceTo"), not_offered("aa", "announcedAttribute")};
constexpr array kStateTag{by_cse("st", "stateTag", non_negative_integer)};
constexpr array kCreator{once("cr", "creator", null_or_id)};

constexpr auto kCommon = join(kUniversal, kExpires, kProtected);
constexpr auto kCommonAnnounceable = join(kCommon, kAnnounceable);

// TS-0004 7.4.2

constexpr auto kAcp = join(kUniversal, kExpires, kAnnounceable,
                           array{
                               mandatory("pv", "privileges", access_control_rules),
                               at_least(mandatory("pvs", "selfPrivileges", access_control_rules), 1),
                               at_least(optional("adri", "authorizationDecisionResourceIDs", uri_list), 1),
                               at_least(optional("apri", "authorizationPolicyResourceIDs", uri_list), 1),
                               at_least(optional("airi", "authorizationInformationResourceIDs", uri_list), 1),
                           });

// TS-0004 7.4.3: read only for everybody but the CSE.

constexpr array kCseBase{
    by_cse("rn", "resourceName", resource_name),
    by_cse("ty", "resourceType", non_negative_integer),
    by_cse("ri", "resourceID", id),
    by_cse("pi", "parentID", id),
    by_cse("ct", "creationTime", timestamp),
    by_cse("lt", "lastModifiedTime", timestamp),
    by_cse("lbl", "labels", string_list),
    by_cse("acpi", "accessControlPolicyIDs", id_list),
    by_cse("daci", "dynamicAuthorizationConsultationIDs", id_list),
    by_cse("cst", "cseType", positive_integer),
    by_cse("csi", "CSE-ID", id),
    by_cse("srt", "supportedResourceType", integer_list),
    by_cse("poa", "pointOfAccess", poa_list),
    by_cse("nl", "nodeLink", uri),
    by_cse("csz", "contentSerialization", string_list),
    by_cse("esi", "e2eSecInfo", object),
    by_cse("srv", "supportedReleaseVersions", string_list),
};

// TS-0004 7.4.4

constexpr auto kRemoteCse =
    join(kCommonAnnounceable, array{
                                  with_range(once("cst", "cseType", positive_integer), 1, 3),
                                  optional("poa", "pointOfAccess", poa_list),
                                  mandatory_once("cb", "CSEBase", uri),
                                  once("csi", "CSE-ID", id),
                                  optional("mei", "M2M-Ext-ID", string),
                                  optional("tri", "Trigger-Recipient-ID", non_negative_integer),
                                  mandatory("rr", "requestReachability", boolean),
                                  optional("nl", "nodeLink", uri),
                                  optional("trn", "triggerReferenceNumber", non_negative_integer),
                                  optional("csz", "contentSerialization", string_list),
                                  optional("esi", "e2eSecInfo", object),
                                  optional("dcse", "descendantCSEs", id_list),
                                  since_2a(optional("srv", "supportedReleaseVersions", string_list)),
                                  not_offered("mtcc", "multicastCapability"),
                                  not_offered("egid", "externalGroupID"),
                                  optional("tren", "triggerEnable", boolean),
                                  not_offered("ape", "activityPatternElements"),
                              });

// TS-0004 7.4.5

constexpr auto kAe =
    join(kCommonAnnounceable, array{
                                  optional("apn", "appName", string),
                                  mandatory_once("api", "App-ID", app_id),
                                  by_cse("aei", "AE-ID", id),
                                  optional("poa", "pointOfAccess", poa_list),
                                  optional("or", "ontologyRef", uri),
                                  optional("nl", "nodeLink", uri),
                                  mandatory("rr", "requestReachability", boolean),
                                  optional("csz", "contentSerialization", string_list),
                                  optional("esi", "e2eSecInfo", object),
                                  optional("mei", "M2M-Ext-ID", string),
                                  since_2a(optional("srv", "supportedReleaseVersions", string_list)),
                                  not_offered("regs", "registrationStatus"),
                                  not_offered("trps", "trackRegistrationPoints"),
                                  not_offered("scp", "sessionCapabilities"),
                                  optional("tren", "triggerEnable", boolean),
                                  not_offered("ape", "activityPatternElements"),
                                  optional("tri", "Trigger-Recipient-ID", non_negative_integer),
                                  optional("trn", "triggerReferenceNumber", non_negative_integer),
                              });

// TS-0004 7.4.6

constexpr auto kContainer = join(kCommonAnnounceable, kStateTag, kCreator,
                                 array{
                                     optional("mni", "maxNrOfInstances", non_negative_integer),
                                     optional("mbs", "maxByteSize", non_negative_integer),
                                     optional("mia", "maxInstanceAge", non_negative_integer),
                                     by_cse("cni", "currentNrOfInstances", non_negative_integer),
                                     by_cse("cbs", "currentByteSize", non_negative_integer),
                                     by_cse("li", "locationID", uri),
                                     optional("or", "ontologyRef", uri),
                                     optional("disr", "disableRetrieval", boolean),
                                 });

// TS-0004 7.4.7

constexpr auto kContentInstance = join(kUniversal, kExpires, kAnnounceable, kStateTag, kCreator,
                                       array{
                                           once("cnf", "contentInfo", content_info),
                                           by_cse("cs", "contentSize", non_negative_integer),
                                           once("conr", "contentRef", object),
                                           once("or", "ontologyRef", uri),
                                           mandatory_once("con", "content", any),
                                       });

// TS-0004 7.4.8

constexpr auto kSubscription =
    join(kCommon, kCreator,
         array{
             optional("enc", "eventNotificationCriteria", event_criteria),
             optional("exc", "expirationCounter", positive_integer),
             at_least(mandatory("nu", "notificationURI", uri_list), 1),
             optional("gpi", "groupID", uri),
             optional("nfu", "notificationForwardingURI", string_or_list),
             optional("bn", "batchNotify", batch_notify),
             optional("rl", "rateLimit", rate_limit),
             once("psn", "preSubscriptionNotify", positive_integer),
             with_range(optional("pn", "pendingNotification", positive_integer), 1, 2),
             optional("nsp", "notificationStoragePriority", positive_integer),
             optional("ln", "latestNotify", boolean),
             with_range(always(optional("nct", "notificationContentType", positive_integer)), 1, 3),
             optional("nec", "notificationEventCat", event_category),
             once("su", "subscriberURI", uri),
             not_offered("acrs", "associatedCrossResourceSub"),
         });

// TS-0004 7.4.13

constexpr auto kGroup =
    join(kCommonAnnounceable, kCreator,
         array{
             with_range(always(once("mt", "memberType", non_negative_integer)), 0, 20003),
             once_not_offered("spty", "specializationType"),
             by_cse("cnm", "currentNrOfMembers", non_negative_integer),
             mandatory("mnm", "maxNrOfMembers", positive_integer),
             mandatory("mid", "memberIDs", uri_list),
             optional("macp", "membersAccessControlPolicyIDs", id_list),
             by_cse("mtv", "memberTypeValidated", boolean),
             with_range(always(once("csy", "consistencyStrategy", positive_integer)), 1, 3),
             optional("gn", "groupName", string),
             by_cse("ssi", "semanticSupportIndicator", boolean),
             not_offered("nar", "notifyAggregation"),
         });

// TS-0004 7.4.10

constexpr auto kLocationPolicy =
    join(kCommonAnnounceable,
         array{
             with_range(mandatory_once("los", "locationSource", positive_integer), 1, 3),
             with_range(always(optional("lit", "locationInformationType", positive_integer)), 1, 2),
             at_least(optional("lou", "locationUpdatePeriod", duration_list), 1),
             once("lot", "locationTargetID", id),
             once("lor", "locationServer", uri),
             by_cse("loi", "locationContainerID", uri),
             once("lon", "locationContainerName", resource_name),
             by_cse("lost", "locationStatus", string),
             not_offered("gta", "geographicalTargetArea"),
             not_offered("gec", "geofenceEventCriteria"),
             once_not_offered("aid", "authID"),
             not_offered("rlkl", "retrieveLastKnownLocation"),
             not_offered("luec", "locationUpdateEventCriteria"),
         });

// TS-0004 7.4.18

constexpr auto kNode = join(kCommonAnnounceable, array{
                                                     mandatory("ni", "nodeID", string),
                                                     optional("hcl", "hostedCSELink", id),
                                                     optional("hael", "hostedAELinks", id_list),
                                                     optional("hsl", "hostedServiceLinks", id_list),
                                                     optional("mgca", "mgmtClientAddress", string),
                                                     by_cse("rms", "roamingStatus", boolean),
                                                     by_cse("nid", "networkID", string),
                                                 });

// TS-0004 7.4.21, 7.4.19, 7.4.20, 7.4.29

constexpr auto kPollingChannel = join(kUniversal, kExpires);
constexpr auto kServiceSubscriptionProfile = kCommon;
constexpr auto kServiceSubscribedNode = join(kCommon, array{
                                                          mandatory_once("ni", "nodeID", string),
                                                          once("csi", "CSE-ID", id),
                                                          once("di", "deviceIdentifier", uri_list),
                                                          optional("rlk", "ruleLinks", uri_list),
                                                          not_offered("nrq", "niddRequired"),
                                                      });
constexpr auto kServiceSubscribedAppRule = join(kCommon, array{
                                                             optional("apci", "applicableCredIDs", id_list),
                                                             optional("aai", "allowedApp-IDs", id_list),
                                                             optional("aae", "allowedAEs", id_list),
                                                             optional("ari", "allowedRole-IDs", id_list),
                                                         });

// TS-0004 7.4.40, 7.4.41, 7.4.43; TS-0001 9.6.37 to 9.6.39. The copies of a token's claims are the CSE's to
// make.

constexpr auto kRole = join(kCommon, array{
                                         mandatory_once("rlid", "roleID", string),
                                         mandatory_once("tkis", "issuer", string),
                                         mandatory_once("tkhd", "holder", id),
                                         mandatory_once("tknb", "notBefore", timestamp),
                                         mandatory_once("tkna", "notAfter", timestamp),
                                         once("rlnm", "roleName", string),
                                         optional("rltl", "tokenLink", uri),
                                     });
constexpr auto kToken = join(kCommon, array{
                                          mandatory_once("tkid", "tokenID", string),
                                          mandatory_once("tkob", "tokenObject", string),
                                          once("vr", "version", string),
                                          once("tkis", "issuer", string),
                                          once("tkhd", "holder", id),
                                          once("tknb", "notBefore", timestamp),
                                          once("tkna", "notAfter", timestamp),
                                          once("tknm", "tokenName", string),
                                          once("tkau", "audience", id_list),
                                          once("tkps", "permissions", any),
                                          once("tkex", "extension", string),
                                      });
constexpr auto kConsultation =
    join(kCommon, array{
                      mandatory("dae", "dynamicAuthorizationEnabled", boolean),
                      at_least(mandatory("dap", "dynamicAuthorizationPoA", poa_list), 1),
                      optional("dal", "dynamicAuthorizationLifetime", timestamp),
                  });

// Release 3: TS-0004 7.4.43 to 7.4.45. A request to one of these stands in an UPDATE and its answer in the
// response, both of distributed_authorization.h; nothing of them is ever stored.

constexpr auto kAuthorizationDecision = join(kCommon, array{
                                                          in_messages("dec", "decision"),
                                                          in_messages("sus", "status"),
                                                          in_messages("to", "to"),
                                                          in_messages("fr", "from"),
                                                          in_messages("op", "operation"),
                                                          in_messages("rrt", "requestedResourceType"),
                                                          in_messages("fu", "filterUsage"),
                                                          in_messages("rids", "roleIDs"),
                                                          in_messages("tids", "tokenIDs"),
                                                          in_messages("tkns", "tokens"),
                                                          in_messages("rtm", "requestTime"),
                                                          in_messages("olo", "originatorLocation"),
                                                          in_messages("oip", "originatorIP"),
                                                      });
constexpr auto kAuthorizationPolicy = join(kCommon, array{
                                                        in_messages("ps", "policies"),
                                                        in_messages("ca", "combiningAlgorithm"),
                                                        in_messages("sus", "status"),
                                                        in_messages("to", "to"),
                                                    });
constexpr auto kAuthorizationInformation = join(kCommon, array{
                                                             in_messages("sus", "status"),
                                                             in_messages("fr", "from"),
                                                             in_messages("rids", "roleIDs"),
                                                             in_messages("tids", "tokenIDs"),
                                                         });

// Mmaf (TS-0032 as read in TR-0038 7.1.4 and TS-0003 8.8.2). Names and numbers that no available text states
// are the reading of the project; a correction is made here.

constexpr array kMafUniversal{
    once("rn", "resourceName", resource_name),
    by_cse("ty", "resourceType", non_negative_integer),
    by_cse("ri", "resourceID", id),
    by_cse("pi", "parentID", id),
    by_cse("ct", "creationTime", timestamp),
    by_cse("lt", "lastModifiedTime", timestamp),
    by_cse("cr", "creator", id),
    by_cse("ch", "childResource", any),
};
constexpr array kMafRecord{
    mandatory("et", "expirationTime", timestamp),
    optional("lbl", "labels", string_list),
    mandatory_once("adfq", "adminFQDN", fqdn),
};
constexpr auto kMafBase = join(kMafUniversal, array{
                                                  by_cse("fq", "fqdn", fqdn),
                                                  by_cse("poa", "pointOfAccess", poa_list),
                                                  by_cse("srv", "supportedReleaseVersions", string_list),
                                              });
constexpr auto kMafClientReg = join(kMafUniversal, kMafRecord,
                                    array{
                                        by_cse("aski", "assignedSymmKeyID", id),
                                        by_cse("ccf", "mafClientCfg", any),
                                    });
constexpr auto kSymmKeyReg = join(kMafUniversal, kMafRecord,
                                  array{
                                      mandatory_once("suid", "SUID", suid),
                                      at_least(optional("tgis", "targetIDs", string_or_list), 1),
                                      with_range(once("kv", "keyValue", hex_binary), 32, 64),
                                      once("e2ep", "endToEndParameters", object),
                                  });

// Children (TS-0001 9.6 as TS-0004 7.4 has them): also types that are not offered, so that a refusal can tell
// "not there" from "not under this parent".

using Types = std::uint32_t;
constexpr array<Types, 1> kSubOnly{23};
constexpr array<Types, 31> kUnderCseBase{16, 10016, 14, 2,  3,  9,  1,  23,    12, 10, 22, 21, 17, 6,  18, 11,
                                         19, 26,    34, 28, 29, 31, 32, 10005, 35, 36, 37, 43, 45, 48, 49};
constexpr array<Types, 16> kUnderRemoteCse{3,     28,    9,  1,  29,    10003, 10028, 10009,
                                           10001, 10029, 23, 15, 10014, 34,    10016, 10002};
constexpr array<Types, 10> kUnderAe{23, 3, 9, 1, 15, 24, 34, 28, 29, 48};
constexpr array<Types, 6> kUnderContainer{4, 23, 3, 28, 24, 29};
constexpr array<Types, 1> kUnderContentInstance{24};
constexpr array<Types, 2> kUnderSubscription{18, 25};
constexpr array<Types, 2> kUnderGroup{23, 24};
constexpr array<Types, 4> kUnderNode{13, 23, 24, 18};
constexpr array<Types, 2> kUnderProfile{23, 20};
constexpr array<Types, 1> kUnderMafBase{3};
constexpr array<Types, 1> kUnderMafClientReg{5};

constexpr array kTypes{
    ResourceTypeSpec{.ty = 1,
                     .element = "m2m:acp",
                     .long_name = "accessControlPolicy",
                     .attributes = kAcp,
                     .children = kSubOnly,
                     .has_acpi = false},
    ResourceTypeSpec{
        .ty = 2, .element = "m2m:ae", .long_name = "AE", .attributes = kAe, .children = kUnderAe},
    ResourceTypeSpec{.ty = 3,
                     .element = "m2m:cnt",
                     .long_name = "container",
                     .attributes = kContainer,
                     .children = kUnderContainer},
    ResourceTypeSpec{.ty = 4,
                     .element = "m2m:cin",
                     .long_name = "contentInstance",
                     .attributes = kContentInstance,
                     .children = kUnderContentInstance,
                     .api_update = false,
                     .has_acpi = false},
    ResourceTypeSpec{.ty = 5,
                     .element = "m2m:cb",
                     .long_name = "CSEBase",
                     .attributes = kCseBase,
                     .children = kUnderCseBase,
                     .api_create = false,
                     .api_update = false},
    ResourceTypeSpec{
        .ty = 9, .element = "m2m:grp", .long_name = "group", .attributes = kGroup, .children = kUnderGroup},
    ResourceTypeSpec{.ty = 10,
                     .element = "m2m:lcp",
                     .long_name = "locationPolicy",
                     .attributes = kLocationPolicy,
                     .children = kSubOnly},
    ResourceTypeSpec{.ty = 11,
                     .element = "m2m:mssp",
                     .long_name = "m2mServiceSubscriptionProfile",
                     .attributes = kServiceSubscriptionProfile,
                     .children = kUnderProfile,
                     .in_only = true},
    ResourceTypeSpec{
        .ty = 14, .element = "m2m:nod", .long_name = "node", .attributes = kNode, .children = kUnderNode},
    ResourceTypeSpec{.ty = 15,
                     .element = "m2m:pch",
                     .long_name = "pollingChannel",
                     .attributes = kPollingChannel,
                     .children = {},
                     .has_acpi = false},
    ResourceTypeSpec{.ty = 16,
                     .element = "m2m:csr",
                     .long_name = "remoteCSE",
                     .attributes = kRemoteCse,
                     .children = kUnderRemoteCse},
    ResourceTypeSpec{.ty = 19,
                     .element = "m2m:asar",
                     .long_name = "serviceSubscribedAppRule",
                     .attributes = kServiceSubscribedAppRule,
                     .children = kSubOnly,
                     .in_only = true},
    ResourceTypeSpec{.ty = 20,
                     .element = "m2m:svsn",
                     .long_name = "serviceSubscribedNode",
                     .attributes = kServiceSubscribedNode,
                     .children = kSubOnly,
                     .in_only = true},
    ResourceTypeSpec{.ty = 23,
                     .element = "m2m:sub",
                     .long_name = "subscription",
                     .attributes = kSubscription,
                     .children = kUnderSubscription},
    ResourceTypeSpec{
        .ty = 31, .element = "m2m:rol", .long_name = "role", .attributes = kRole, .children = kSubOnly},
    ResourceTypeSpec{
        .ty = 32, .element = "m2m:tk", .long_name = "token", .attributes = kToken, .children = kSubOnly},
    ResourceTypeSpec{.ty = 34,
                     .element = "m2m:dac",
                     .long_name = "dynamicAuthorizationConsultation",
                     .attributes = kConsultation,
                     .children = kSubOnly},
    ResourceTypeSpec{.ty = 35,
                     .element = "m2m:auds",
                     .long_name = "authorizationDecision",
                     .attributes = kAuthorizationDecision,
                     .children = kSubOnly},
    ResourceTypeSpec{.ty = 36,
                     .element = "m2m:aupy",
                     .long_name = "authorizationPolicy",
                     .attributes = kAuthorizationPolicy,
                     .children = kSubOnly},
    ResourceTypeSpec{.ty = 37,
                     .element = "m2m:auif",
                     .long_name = "authorizationInformation",
                     .attributes = kAuthorizationInformation,
                     .children = kSubOnly},
};
static_assert(std::ranges::is_sorted(kTypes, {}, &ResourceTypeSpec::ty));

constexpr array kMafTypes{
    ResourceTypeSpec{.ty = 1,
                     .element = "sec:mab",
                     .long_name = "MAFBase",
                     .attributes = kMafBase,
                     .children = kUnderMafBase,
                     .api_create = false,
                     .api_update = false,
                     .has_acpi = false},
    ResourceTypeSpec{.ty = 3,
                     .element = "sec:macr",
                     .long_name = "mafClientReg",
                     .attributes = kMafClientReg,
                     .children = kUnderMafClientReg,
                     .has_acpi = false},
    ResourceTypeSpec{.ty = 5,
                     .element = "sec:mkr",
                     .long_name = "symmKeyReg",
                     .attributes = kSymmKeyReg,
                     .children = {},
                     .has_acpi = false},
};

constexpr auto kTypeNumbers = [] {
  array<std::uint32_t, kTypes.size()> numbers{};
  std::ranges::transform(kTypes, numbers.begin(), &ResourceTypeSpec::ty);
  return numbers;
}();

}  // namespace
}  // namespace tables

const ResourceTypeSpec* resource_type(std::uint32_t ty) noexcept {
  const auto* const at = std::ranges::find(tables::kTypes, ty, &ResourceTypeSpec::ty);
  return at != tables::kTypes.end() ? at : nullptr;
}

const ResourceTypeSpec* resource_type(std::string_view element) noexcept {
  const auto* const at = std::ranges::find(tables::kTypes, element, &ResourceTypeSpec::element);
  return at != tables::kTypes.end() ? at : nullptr;
}

const AttributeSpec* attribute(const ResourceTypeSpec& type, std::string_view short_name) noexcept {
  const auto at = std::ranges::find(type.attributes, short_name, &AttributeSpec::short_name);
  return at != type.attributes.end() ? &*at : nullptr;
}

std::span<const std::uint32_t> implemented_types() noexcept { return tables::kTypeNumbers; }

const ResourceTypeSpec* maf_resource_type(std::uint32_t ty) noexcept {
  const auto* const at = std::ranges::find(tables::kMafTypes, ty, &ResourceTypeSpec::ty);
  return at != tables::kMafTypes.end() ? at : nullptr;
}

bool is_attribute_name(std::string_view short_name) noexcept {
  return std::ranges::any_of(tables::kTypes, [&](const ResourceTypeSpec& type) {
    const auto* const spec = attribute(type, short_name);
    return spec != nullptr && spec->stored;
  });
}

}  // namespace latchkey::codec
