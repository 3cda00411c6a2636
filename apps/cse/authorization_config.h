#pragma once
/// [authorization] of latchkey-cse: PDPs, PRPs and PIPs on other CSEs, and what this CSE does for others
/// (TS-0003 6.2.2).
#include "latchkey/base/config.h"
#include "latchkey/cse/cse.h"

namespace latchkey::app {

void read_authorization(ConfigReader& in, cse::CseOptions& options);

}  // namespace latchkey::app
