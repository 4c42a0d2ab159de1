// Messages to a syslog receiver over UDP, TCP or TLS.
//
// What "delivered" means here. Syslog has no acknowledgement of its own. Over TCP and TLS a payload counts as delivered
// when the receiver's kernel has acknowledged all of it, which says that the receiving machine has it, not that the
// receiver has read it. A receiver that dies with messages in its socket or in its memory loses them, so what was
// delivered last is kept in memory (resend_window, resend_within) and sent again, first, after a connection has broken;
// the receiver may then see it twice, and Delivery counts it as resent. The limit: when the receiver and Capstan die at
// the same moment, what the receiver had not yet stored is lost; when only one of them dies, nothing is. UDP promises
// nothing: what was handed to the network counts as delivered.
#pragma once

#include "component/registry.h"

namespace capstan::sinks {

Kind<Sink> syslog_kind();

}  // namespace capstan::sinks
