// One error type for the whole program: a code from the catalogue, a sentence, and what the other side asked us to
// wait.
//
// A sentence reads "doing: what happened", outermost first, lower case, no full stop; `text()` puts the code last:
//   polling activities of contoso: POST https://…/activities/ answered 429 and asked us to wait 30 s [E2003]
// An error is made where the cause is known, enriched with `during` where the context is known, once each.
// It never carries a secret. Values are not shared: any thread may own one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"

namespace capstan {

enum class ErrorClass : std::uint8_t { usage, configuration, retry, hold, split, dead_letter, fault };

enum class ErrorCode : std::uint16_t {
#define CAPSTAN_ERROR(number, name, error_class, what, advice) name = number,
#include "base/error_catalogue.def"
#undef CAPSTAN_ERROR
};

struct ErrorEntry {
  ErrorCode code;
  std::string_view name;    // as in the enum; the metric label
  ErrorClass error_class;   // what the program does about it
  std::string_view what;    // what happened, one sentence
  std::string_view advice;  // what to do, one sentence
};

// Every row of the catalogue, by number.
std::span<const ErrorEntry> error_catalogue();
// The row of a code; every enumerator has one.
const ErrorEntry& entry(ErrorCode code);
// The row of "E2003", "e2003" or "2003"; nothing for anything else.
const ErrorEntry* find_entry(std::string_view text);
std::string_view to_string(ErrorClass error_class);
// "E2003"
std::string label(ErrorCode code);

class [[nodiscard]] Error {
public:
  Error(ErrorCode code, std::string sentence) : code_(code), sentence_(std::move(sentence)) {}

  ErrorCode code() const { return code_; }
  ErrorClass error_class() const { return entry(code_).error_class; }
  // The pause that the other side asked for (Retry-After), if it did.
  std::optional<Duration> pause() const { return pause_; }
  // The sentence without the code.
  const std::string& sentence() const { return sentence_; }
  // The sentence with the code: what people read.
  std::string text() const;

  Error&& asking_for(Duration pause) && {
    pause_ = pause;
    return std::move(*this);
  }
  // Puts what was being done before the sentence: "polling activities of contoso".
  Error&& during(std::string_view doing) &&;

private:
  ErrorCode code_;
  std::string sentence_;
  std::optional<Duration> pause_;
};

}  // namespace capstan
