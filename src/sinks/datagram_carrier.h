// Frames as UDP datagrams. Nothing comes back, so what can be done is done before: the pace is one that a receiver's
// socket buffer survives, and what this machine or the receiver's refuses is not taken for sent.
//
// The pace. Linux gives a socket 208 KiB (net.core.rmem_default) and charges each datagram with the memory that it
// takes in the kernel. Measured with 6.18, that is room for 92 datagrams of up to 1.5 KB, 48 of up to 3.6 KB, 25 of
// 4 KB; what comes while the receiver looks away and the room is full is dropped without a word. So a message counts
// once for every 1.5 KiB, a burst of 32 fills at most half of the room, and at 500 a second the receiver may look away
// for 150 milliseconds. The tenant itself brings far less: at most 100 records a request.
// Used by one thread at a time.
#pragma once

#include <memory>

#include "destination.h"
#include "frames.h"
#include "net/stream.h"
#include "payload_progress.h"
#include "token_bucket.h"

namespace capstan::sinks {

class DatagramCarrier {
public:
  // A message takes a token for each 1.5 KiB that it begins.
  DatagramCarrier(Destination destination, TokenBucket pace, const Clock& clock);

  // Sends the frames, one for each message of the payload. Gives how many messages went out once more since the last
  // success. An error: the payload comes again. It goes on where it stopped, but for destination_unreachable: then
  // nothing of it counts as sent.
  Result<std::uint64_t> carry(const Payload& payload, Frames frames, const Call& call);
  const PayloadProgress& progress() const { return progress_; }
  Result<> probe(const Call& call);
  void close() { datagrams_.reset(); }
  // Empty frames with room.
  Frames take_spare() { return std::exchange(spare_, {}); }

private:
  Result<> send_all(const Payload& payload, const Frames& frames, const Call& call);
  Result<> open(const Call& call);
  Call rest_of(const Call& call, MonotonicTime begin) const;

  Destination destination_;
  TokenBucket pace_;
  const Clock& clock_;
  PayloadProgress progress_;
  std::uint64_t resent_ = 0;
  std::unique_ptr<net::Datagrams> datagrams_;
  net::Address used_;
  Frames spare_;
};

}  // namespace capstan::sinks
