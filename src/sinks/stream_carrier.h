// Frames over a byte stream, TCP or TLS, so that nothing is lost when connections break, and something gets through
// on every one of them.
//
// Two ways:
//
//   lasting   One connection for many payloads. A payload is delivered when the peer's kernel has acknowledged it; what
//             was delivered last stays in doubt (ResendWindow) and is sent again, first, on the next connection.
//   proving   A connection for each unit of at most `unit` bytes, ended in order: the unit is delivered when the
//             receiver has read to the end (net::Stream::finish). A unit that is not read to the end halves the next
//             one, down to a single message.
//
//       ┌───────── a reset · a connection that broke before it brought anything new · the third break in a minute ───┐
//    lasting proving
//       └◄───── all was read, nothing is owed, and no unit has failed for a minute · the receiver does not close ────┘
//
// Read is not stored: a receiver that is killed loses what it had read. So what was read stays in doubt too, and after
// each break it is owed: repeated, but behind what was never read, and a few times at most. The first makes progress
// certain with a receiver that closes after every N bytes, messages or seconds, as long as N is more than one message,
// whatever the size of the window; one that takes bytes which it never reads gets nothing new. And so that a receiver
// that dies between two payloads is noticed, a connection is open then: the next one is made as soon as the last unit
// was read.
// Used by one thread at a time.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "destination.h"
#include "net/stream.h"
#include "payload_progress.h"
#include "resend_window.h"

namespace capstan::sinks {

class StreamCarrier {
public:
  using Connect = std::function<Result<std::unique_ptr<net::Stream>>(const net::Address& literal, const Call& call)>;

  StreamCarrier(Destination destination, Connect connect, ResendWindow window, const Clock& clock);

  // Delivers the frames, one for each message of the payload. Gives how many messages went out once more since the last
  // success, of this payload and of those before. An error: the payload comes again, and goes on where it stopped.
  Result<std::uint64_t> carry(const Payload& payload, Frames frames, const Call& call);
  Result<> probe(const Call& call);
  // Called before messages go out once more that the caller of carry() does not know of: those in doubt, and those of
  // the payload for the second time in one call.
  void before_resend(Sink::BeforeResend tell) { before_resend_ = std::move(tell); }
  const PayloadProgress& progress() const { return progress_; }
  // Ends the connection in order, and sends again what the receiver had not read. An error: some is still in doubt. A
  // receiver that is alive and does not close is trusted to read on.
  Result<> settle(const Call& call);
  void close();
  // Empty frames with room.
  Frames take_spare() { return window_.take_spare(); }

private:
  enum class Way : std::uint8_t { lasting, proving };
  // Who ends the connection of a unit that is a single message.
  enum class SingleEnd : std::uint8_t { ours_first, theirs_first };
  enum class Part : std::uint8_t { fresh, owed };
  // Messages that go out over one connection: first those of the window, then the payload's [first, end).
  struct Unit {
    Part part = Part::fresh;
    std::vector<ResendWindow::Slice> kept;
    std::size_t first = 0;
    std::size_t end = 0;
    std::size_t bytes = 0;
    bool is_all = false;  // nothing more of this part is to be sent
    std::size_t from_window() const;
    std::size_t messages() const { return from_window() + (end - first); }
  };

  Result<bool> carry_lasting(const Payload& payload, Frames& frames, const Call& call);
  Result<> ensure_connected(const Call& call);
  Result<> resend_window(const Call& call);
  void note_break(const Error& error);
  void leave_moved_address(const Call& call);

  Result<> carry_proving(const Payload& payload, const Frames& frames, const Call& call);
  Result<> prove_fresh(const Payload& payload, const Frames& frames, const Call& call);
  Result<> repeat_owed(const Payload& payload, const Call& call);
  Unit next_unit(Part part, const Frames& frames) const;
  Result<> prove(const Unit& unit, const Payload& payload, const Frames& frames, const Call& call);
  Result<> end_in_order(net::Stream& stream, const Unit& unit, const Call& call);
  bool may_halve(const Unit& unit, const Error& error) const;
  void note_read(const Unit& unit, const Frames& frames);
  void note_failed(const Unit& unit, const Error& error, SingleEnd tried);
  void note_sent(const Unit& unit, const Payload& payload, const Frames& frames, std::uint64_t bytes);
  void look_at_next_connection(const Call& call);
  Result<> make_next_connection(const Call& call);
  void begin_proving();
  void end_proving();
  void doubt();

  Result<> tell_again(std::uint64_t messages) const;
  // Of the payload's messages [first, end), those that have gone out in this call.
  std::uint64_t sent_in_call(std::size_t first, std::size_t end) const;
  Result<std::unique_ptr<net::Stream>> connect(const Call& call);
  // The call with what is left of its time since `begin`.
  Call rest_of(const Call& call, MonotonicTime begin) const;

  Destination destination_;
  Connect connect_;
  ResendWindow window_;
  const Clock& clock_;
  PayloadProgress progress_;
  Sink::BeforeResend before_resend_;
  std::uint64_t resent_ = 0;  // messages that went out once more and were not reported yet

  Way way_ = Way::lasting;
  std::unique_ptr<net::Stream> stream_;  // lasting: the connection; proving: the one for the next unit
  net::Address used_;                    // the address of the connection that was made last
  bool has_accepted_ = false;  // something new, on this connection or on the one that was ended in order before it
  std::optional<MonotonicTime> broken_at_;  // set: what is in doubt has to go out again
  std::deque<MonotonicTime> breaks_;

  std::size_t unit_max_;         // bytes; one message may be longer
  std::size_t failed_unit_ = 0;  // bytes of the smallest unit of several messages that failed; 0: none
  SingleEnd single_end_ = SingleEnd::ours_first;
  bool has_trouble_ = false;  // since proving began, a unit has failed
  MonotonicTime trouble_at_{};
};

}  // namespace capstan::sinks
