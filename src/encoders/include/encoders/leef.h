// Records as lines of the Log Event Extended Format (IBM, versions 1.0 and 2.0), for QRadar. What stands in a line is
// said by mappings, as for CEF.
#pragma once

#include "component/registry.h"

namespace capstan::encoders {

Kind<Encoder> leef_kind();

}  // namespace capstan::encoders
