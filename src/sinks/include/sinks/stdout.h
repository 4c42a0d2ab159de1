// Messages to standard output, one a line: for pipes and for looking.
//
// A line counts as delivered when the pipe or terminal has taken it. When nobody reads any more the route is held
// (output_closed). A delivery that was broken off goes on where it stopped, so that a reader sees no line twice, as
// long as Capstan lives.
#pragma once

#include "component/registry.h"

namespace capstan::sinks {

Kind<Sink> stdout_kind();

}  // namespace capstan::sinks
