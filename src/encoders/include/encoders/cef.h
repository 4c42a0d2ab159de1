// Records as lines of the Common Event Format. What stands where is in docs/guide/cef-fields.md.
//
// Profile strict keeps every rule of the standard. Profile siem-agent writes what the retired Microsoft SIEM agent
// wrote, so that its parsers go on working; both carry the agent's vendor and product for the same reason.
#pragma once

#include "component/registry.h"

namespace capstan::encoders {

Kind<Encoder> cef_kind();

}  // namespace capstan::encoders
