// Which output files are in use in this process, so that two routes never write one file.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace capstan::sinks {

// Shared by all file sinks of one registry; any thread may call.
class Claims {
public:
  // False when somebody else has the path.
  bool take(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return taken_.insert(path).second;
  }
  void give_back(const std::string& path) {
    const std::lock_guard lock(mutex_);
    taken_.erase(path);
  }

private:
  std::mutex mutex_;
  std::set<std::string> taken_;
};

}  // namespace capstan::sinks
