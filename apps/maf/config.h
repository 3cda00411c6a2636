#pragma once
/// latchkey-maf: sections [maf] and [[client]] beside the common ones.
#include "daemon_config.h"
#include "latchkey/maf/maf.h"

namespace latchkey::app {

struct MafConfig {
  daemon::DaemonConfig common;
  std::optional<maf::MafOptions> maf;  ///< nullopt: problems were found
  std::optional<CseId> in_cse;  ///< IN-CSE of the domain, for public domain names of CSE-ID certificates
  [[nodiscard]] bool complete() const { return maf.has_value() && in_cse.has_value(); }
};
/// `problems` names everything that is wrong, with key and line.
[[nodiscard]] MafConfig read_maf_config(const std::string& file, std::vector<ConfigProblem>& problems);

}  // namespace latchkey::app
