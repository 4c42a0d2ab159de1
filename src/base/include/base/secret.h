// A value that must not be seen. It cannot be printed, compared or formatted; only reveal() gives it, so every place
// that sends one to the outside is found by searching for that word.
#pragma once

#include <string>
#include <string_view>

namespace capstan {

class Secret {
public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) = default;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) = default;
  ~Secret();  // wipes the memory

  bool is_empty() const { return value_.empty(); }
  std::string_view reveal() const { return value_; }

private:
  std::string value_;
};

}  // namespace capstan
