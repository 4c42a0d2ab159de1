// Values of one type as another: the rules of the toX() functions (docs "Conversion functions").
#pragma once

#include "node.h"

namespace capstan::kql {

// null (or "") where it cannot be said in the other type.
Datum convert(const Datum& value, Type to, Workspace& work);
// A value as something that can stand inside dynamic: datetime, timespan and guid become text.
Dynamic as_dynamic(const Datum& value, Workspace& work);
// A cast without parsing, as `mv-expand … to typeof(T)` does.
Datum cast(const Dynamic& value, Type to, Workspace& work);

}  // namespace capstan::kql
