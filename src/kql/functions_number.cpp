#include <array>
#include <cmath>

#include "convert.h"
#include "functions.h"
#include "operators.h"

namespace capstan::kql {

namespace {

template <double (*F)(double)>
Datum real_function(Frame&, Arguments a) {
  return a[0].is_null ? Datum::null(Type::real) : Datum::of_real(F(a[0].real));
}

double exp10_of(double x) { return std::pow(10.0, x); }
double sign_of(double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }
double ceiling_of(double x) { return std::ceil(x); }
double exp_of(double x) { return std::exp(x); }
double exp2_of(double x) { return std::exp2(x); }

// The logarithm of a negative number is null.
template <double (*F)(double)>
Datum logarithm(Frame&, Arguments a) {
  return a[0].is_null || a[0].real < 0 ? Datum::null(Type::real) : Datum::of_real(F(a[0].real));
}
double log_of(double x) { return std::log(x); }
double log2_of(double x) { return std::log2(x); }
double log10_of(double x) { return std::log10(x); }

Datum power(Frame&, Arguments a) {
  return a[0].is_null || a[1].is_null ? Datum::null(Type::real) : Datum::of_real(std::pow(a[0].real, a[1].real));
}

Datum absolute(Frame&, Arguments a) {
  if (a[0].is_null) return a[0];
  if (a[0].type == Type::real) return Datum::of_real(std::abs(a[0].real));
  return Datum::of(a[0].type, a[0].number < 0 ? static_cast<std::int64_t>(~static_cast<std::uint64_t>(a[0].number) + 1)
                                              : a[0].number);
}

Datum rounded(Frame&, Arguments a) {
  if (a[0].is_null) return a[0];
  if (a[0].type != Type::real) return a[0];
  const std::int64_t digits = a.size() > 1 && !a[1].is_null ? a[1].number : 0;
  if (digits < -300 || digits > 300 || !std::isfinite(a[0].real)) return a[0];
  const double scale = std::pow(10.0, static_cast<double>(digits));
  const double scaled = a[0].real * scale;
  // 2.15 * 10 is 21.499999999999996: what is nearer to a half than the number can tell is a half.
  const double nudged = scaled + std::copysign(std::abs(scaled) * 1e-15, scaled);
  return Datum::of_real(std::round(nudged) / scale);
}

std::int64_t floor_to(std::int64_t value, std::int64_t step) {
  const std::int64_t rest = value % step;
  return rest < 0 ? value - rest - step : value - rest;
}

Datum binned(Frame&, Arguments a) {
  if (a[0].is_null || a[1].is_null) return Datum::null(a[0].type);
  if (a[0].type == Type::real || a[1].type == Type::real) {
    const double x = a[0].type == Type::real ? a[0].real : static_cast<double>(a[0].number);
    const double step = a[1].type == Type::real ? a[1].real : static_cast<double>(a[1].number);
    return step > 0 ? Datum::of_real(std::floor(x / step) * step) : Datum::null(Type::real);
  }
  if (a[1].number <= 0) return Datum::null(a[0].type);
  return Datum::of(a[0].type, floor_to(a[0].number, a[1].number));
}

Datum is_not_a_number(Frame&, Arguments a) { return Datum::of(!a[0].is_null && std::isnan(a[0].real)); }
Datum is_infinite(Frame&, Arguments a) { return Datum::of(!a[0].is_null && std::isinf(a[0].real)); }
Datum is_finite(Frame&, Arguments a) { return Datum::of(!a[0].is_null && std::isfinite(a[0].real)); }

template <class F>
Datum binary(Arguments a, F f) {
  if (a[0].is_null || a[1].is_null) return Datum::null(Type::long_integer);
  return Datum::of_long(
      static_cast<std::int64_t>(f(static_cast<std::uint64_t>(a[0].number), static_cast<std::uint64_t>(a[1].number))));
}
Datum binary_and(Frame&, Arguments a) {
  return binary(a, [](auto x, auto y) { return x & y; });
}
Datum binary_or(Frame&, Arguments a) {
  return binary(a, [](auto x, auto y) { return x | y; });
}
Datum binary_xor(Frame&, Arguments a) {
  return binary(a, [](auto x, auto y) { return x ^ y; });
}
Datum binary_not(Frame&, Arguments a) { return a[0].is_null ? a[0] : Datum::of_long(~a[0].number); }
Datum shift_left(Frame&, Arguments a) {
  if (a[0].is_null || a[1].is_null || a[1].number < 0) return Datum::null(Type::long_integer);
  return Datum::of_long(static_cast<std::int64_t>(static_cast<std::uint64_t>(a[0].number) << (a[1].number % 64)));
}
Datum shift_right(Frame&, Arguments a) {
  if (a[0].is_null || a[1].is_null || a[1].number < 0) return Datum::null(Type::long_integer);
  return Datum::of_long(a[0].number >> (a[1].number % 64));
}

template <bool Greatest>
Datum extreme(Frame&, Arguments a) {
  Datum best = a[0];
  for (const Datum& candidate : a.subspan(1)) {
    if (candidate.is_null) continue;
    if (best.is_null) {
      best = candidate;
      continue;
    }
    const bool is_less = candidate.type == Type::real     ? candidate.real < best.real
                         : candidate.type == Type::string ? candidate.text < best.text
                                                          : candidate.number < best.number;
    const bool is_greater = candidate.type == Type::real     ? candidate.real > best.real
                            : candidate.type == Type::string ? candidate.text > best.text
                                                             : candidate.number > best.number;
    if (Greatest ? is_greater : is_less) best = candidate;
  }
  return best;
}

// xorshift64*: repeatable when a test sets the seed.
// rand(N): one of 0.0, 1.0, …, N - 1.
Datum random_number(Frame& frame, Arguments a) {
  if (!a.empty() && (a[0].is_null || a[0].number < 1)) return Datum::null(Type::real);
  std::uint64_t& state = frame.work.random;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  const double below_one = static_cast<double>((state * 0x2545F4914F6CDD1DULL) >> 11) * 0x1p-53;
  return Datum::of_real(a.empty() ? below_one : std::floor(below_one * static_cast<double>(a[0].number)));
}

Datum not_function(Frame&, Arguments a) { return a[0].is_null ? Datum::null(Type::boolean) : Datum::of(!a[0].boolean); }

constexpr std::array rows{
    FunctionRow{"abs", "n", "1", Tier::portable, NameKind::argument, absolute},
    FunctionRow{"bin", "nn", "w", Tier::portable, NameKind::argument, binned},
    FunctionRow{"floor", "nn", "w", Tier::portable, NameKind::argument, binned},
    FunctionRow{"ceiling", "r", "r", Tier::portable, NameKind::argument, real_function<ceiling_of>},
    FunctionRow{"exp", "r", "r", Tier::portable, NameKind::none, real_function<exp_of>},
    FunctionRow{"exp2", "r", "r", Tier::portable, NameKind::none, real_function<exp2_of>},
    FunctionRow{"exp10", "r", "r", Tier::portable, NameKind::none, real_function<exp10_of>},
    FunctionRow{"log", "r", "r", Tier::portable, NameKind::none, logarithm<log_of>},
    FunctionRow{"log2", "r", "r", Tier::portable, NameKind::none, logarithm<log2_of>},
    FunctionRow{"log10", "r", "r", Tier::portable, NameKind::none, logarithm<log10_of>},
    FunctionRow{"pow", "rr", "r", Tier::portable, NameKind::none, power},
    FunctionRow{"round", "nl!?", "1", Tier::portable, NameKind::argument, rounded},
    FunctionRow{"sign", "r", "r", Tier::portable, NameKind::none, real_function<sign_of>},
    FunctionRow{"isnan", "r", "b", Tier::portable, NameKind::none, is_not_a_number},
    FunctionRow{"isinf", "r", "b", Tier::portable, NameKind::none, is_infinite},
    FunctionRow{"isfinite", "r", "b", Tier::portable, NameKind::none, is_finite},
    FunctionRow{"binary_and", "ll", "l", Tier::portable, NameKind::none, binary_and},
    FunctionRow{"binary_or", "ll", "l", Tier::portable, NameKind::none, binary_or},
    FunctionRow{"binary_xor", "ll", "l", Tier::portable, NameKind::none, binary_xor},
    FunctionRow{"binary_not", "l", "l", Tier::portable, NameKind::none, binary_not},
    FunctionRow{"binary_shift_left", "ll", "l", Tier::portable, NameKind::none, shift_left},
    FunctionRow{"binary_shift_right", "ll", "l", Tier::portable, NameKind::none, shift_right},
    FunctionRow{"max_of", "a*", "w", Tier::portable, NameKind::none, extreme<true>},
    FunctionRow{"min_of", "a*", "w", Tier::portable, NameKind::none, extreme<false>},
    FunctionRow{"rand", "l?", "r", Tier::extension, NameKind::none, random_number},
    FunctionRow{"not", "b", "b", Tier::accepted, NameKind::none, not_function},
};

}  // namespace

std::span<const FunctionRow> number_functions() { return rows; }

}  // namespace capstan::kql
