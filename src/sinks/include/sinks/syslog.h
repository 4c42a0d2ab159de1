// Messages to a syslog receiver over UDP, TCP or TLS.
//
// What "delivered" means here. Syslog has no acknowledgement of its own. Over TCP and TLS a payload counts as delivered
// when the receiver's kernel has acknowledged all of it, which says that the receiving machine has it, not that the
// receiver has read it. A receiver that dies with messages in its socket or in its memory loses them, so what was
// delivered last is kept in memory (resend_window, resend_within) and sent again, first, after a connection has broken;
// the receiver may then see it twice, and Delivery counts it as resent. The limit: when the receiver and Capstan die at
// the same moment, what the receiver had not yet stored is lost; when only one of them dies, nothing that the window
// holds is.
//
// A receiver that resets connections, or closes them so often that the window never gets through, is given small units,
// each over a connection of its own, and one counts when the receiver has read it to the end (stream_carrier.h). So
// something gets through on every connection that takes more than one message. What was read stays in the window: a
// receiver that is killed loses it, and after the break it is sent again, behind what was never read.
//
// UDP: what was handed to the network counts as sent (Proof::not_provable), at a pace that a receiver with the default
// socket buffer survives (datagram_carrier.h). What the network refuses is not counted as sent.
//
// Names are looked up again every resolve_every, for all transports; all addresses of a name are tried in turn.
#pragma once

#include "component/registry.h"

namespace capstan::sinks {

Kind<Sink> syslog_kind();

}  // namespace capstan::sinks
