// Result<T>: a value or an Error. A class of its own (not an alias) so that the compiler refuses an ignored one.
#pragma once

#include <expected>
#include <utility>

#include "base/error.h"

namespace capstan {

template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
public:
  using std::expected<T, Error>::expected;
  Result(Error error) : std::expected<T, Error>(std::unexpected(std::move(error))) {}

  // Puts what was being done before the error's sentence; passes a value through.
  Result during(std::string_view doing) && {
    if (!this->has_value()) return Result(std::move(this->error()).during(doing));
    return std::move(*this);
  }
};

}  // namespace capstan

// TRY(expression): the value of a Result, or return its error from this function. Not for use inside co_await.
// An expression statement of the compiler (GCC and clang both have it) is the only way to do this in one expression.
#define TRY(...) CAPSTAN_TRY_NAMED(CAPSTAN_TRY_JOIN(capstan_result_, __COUNTER__), __VA_ARGS__)
#define CAPSTAN_TRY_JOIN(a, b) CAPSTAN_TRY_JOIN_AGAIN(a, b)
#define CAPSTAN_TRY_JOIN_AGAIN(a, b) a##b
#define CAPSTAN_TRY_NAMED(name, ...)                       \
  __extension__({                                          \
    auto&& name = (__VA_ARGS__);                           \
    if (!name.has_value()) return std::move(name.error()); \
    ::capstan::detail::take(std::move(name));              \
  })

namespace capstan::detail {
template <class T>
T take(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(result.value());
}
}  // namespace capstan::detail
