// The source "mdca": activities, alerts, entities, subnets and files of one tenant of Microsoft Defender for Cloud
// Apps. What it promises and how it keeps it is told in docs/guide and beside each feed (src/sources/mdca_*.h).
#pragma once

#include "component/registry.h"

namespace capstan {

Kind<Source> mdca_kind();

}  // namespace capstan
