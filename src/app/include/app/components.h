// The table of contents of the product: every kind of source, encoder and sink that this build knows.
#pragma once

#include "component/registry.h"

namespace capstan::app {

const Registry& builtin_components();

}  // namespace capstan::app
