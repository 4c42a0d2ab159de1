// Where an IP address is: a database in the MaxMind DB format (GeoLite2-City, GeoIP2-City, DB-IP and others), read
// through libmaxminddb. The file is mapped, so replace it by renaming a new one over it, never by writing into it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace capstan::kql {

// English names; empty, or nothing, where the database does not say.
struct Place {
  std::string_view continent;
  std::string_view country;
  std::string_view state;  // the first subdivision
  std::string_view city;
  std::optional<double> latitude;
  std::optional<double> longitude;
};

// Any number of threads may ask.
class Places {
public:
  // `reload` is how often it is looked whether there is another file at the path. Fails with unreadable_file.
  static Result<std::shared_ptr<const Places>> open(std::string path, Duration reload);
  ~Places();
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  // Calls `use` with what is known of the address, valid during the call; does not where it is none or is not known.
  // `now` are ticks (kql/datum.h). A new file that cannot be read is logged, and the old one stays in use.
  void find(std::string_view address, std::int64_t now, const std::function<void(const Place&)>& use) const;

private:
  struct Impl;
  explicit Places(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan::kql
