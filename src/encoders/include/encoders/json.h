// Records as JSON, one line each: the bytes that the service sent, alone or inside a small envelope.
//
//   {"tenant":…,"source":…,"feed":…,"kind":"created" or "updated","id":…,"event_time":…,"ingest_time":…,"record":{…}}
//
// A record is not written anew: numbers, the order of members and names that differ only in case stay as they are. Line
// breaks between its tokens become blanks. A quarantined record is {"quarantined":true,"reason":…,"raw":"…"}, where
// bytes that are not UTF-8 have become U+FFFD.
#pragma once

#include "component/registry.h"

namespace capstan::encoders {

Kind<Encoder> json_kind();

}  // namespace capstan::encoders
