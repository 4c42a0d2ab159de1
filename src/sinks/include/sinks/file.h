// Messages into a file, one a line, synced before they count as delivered.
//
//   alerts.cef                            what is written now
//   alerts.cef.20261124T160823Z.7         the seventh file, rotated away then
//   alerts.cef.20261123T093000Z.6.gz      compressed after it was rotated
//
// Neither lost nor doubled over a crash: the receipt of a delivery says how far the file was acknowledged (rotation
// number and size). After a restart whatever lies beyond, in this file or in later ones, is compared with the payloads
// that come again: equal bytes are kept, others are cut off. A file that Capstan did not begin (there is no receipt) is
// never cut; writing goes on at its end. One path is written by one route; a second one is refused. Another program may
// move the file away or empty it: writing goes on in a new one. Rotation by time happens with the next payload, for
// there is no timer.
#pragma once

#include "component/registry.h"

namespace capstan::sinks {

Kind<Sink> file_kind();

}  // namespace capstan::sinks
