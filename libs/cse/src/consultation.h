#pragma once
/// Direct dynamic authorization at the Hosting CSE, and what an originator is told for the indirect one
/// (TS-0003 7.3.2.2, 7.3.2.3 step 2; TS-0004 7.3.3.15, 7.5.1.2.10).
#include <string>
#include <unordered_map>
#include <vector>

#include "core.h"
#include "das_client.h"
#include "information.h"

namespace latchkey::cse {

class Consultation {
 public:
  Consultation(Core& core, DasClient& das, PolicyInformation& information)
      : core_(core), das_(das), information_(information) {}

  /// The DAS Server to ask about this target; nullptr: none, or it has just denied this originator the same.
  [[nodiscard]] const DasClient::Server* server_for(const Request& request, const Target& target) const;
  /// Asks, and takes in what is granted. `done` is called once, now or later: then the decision is repeated,
  /// once.
  void consult(const Request& request, const Target& target, const DasClient::Server& server, Task done);
  /// tqf for a denied request; null: no DAS Server is known for it.
  [[nodiscard]] json::value token_request_information(const Request& request, const Target& target) const;

 private:
  struct Question;
  enum class Use : std::uint8_t { direct, indirect };
  [[nodiscard]] const Resource* consultation_of(const Resource& target, Use use) const;
  [[nodiscard]] const DasClient::Server* server_of(const Resource* consultation) const;
  [[nodiscard]] codec::DasRequest question(const Request& request, const Target& target,
                                           const DasClient::Server& server,
                                           const std::vector<std::string>& roles) const;
  [[nodiscard]] std::optional<codec::DasInfo> info_for(const DasClient::Server& server,
                                                       codec::DasRequest asked) const;
  void take(const Question& asked, const Result<codec::DasResponse>& response);
  [[nodiscard]] std::string grant(const Question& asked, const codec::DynamicAcpInfo& granted);
  void remember_denial(const std::string& key);

  Core& core_;
  DasClient& das_;
  PolicyInformation& information_;
  std::unordered_map<std::string, std::vector<Task>> waiting_;  // by what is asked: asked once
  std::unordered_map<std::string, TimePoint> denied_;           // until when
};

}  // namespace latchkey::cse
