// The API of the service itself: who may ask what, and the form of the answers.
#pragma once

#include <map>
#include <mutex>

#include "fault_script.h"
#include "identity.h"
#include "listing.h"
#include "population.h"
#include "throttle.h"

namespace capstan::simulator {

// What has been asked so far.
struct Tally {
  std::uint64_t served = 0;     // 200
  std::uint64_t throttled = 0;  // 429 for the pace, not by a fault
  std::uint64_t refused = 0;    // other 4xx of the API and the identity platform
};

// All that changes in the tenant; whoever touches it holds the mutex.
struct TenantState {
  TenantState(const SimulatorOptions& options, const Clock& clock, Population made)
      : population(std::move(made)),
        identity(options, clock),
        throttle(options.requests_per_minute, clock),
        faults(clock) {}

  std::mutex mutex;
  Population population;
  Identity identity;
  Throttle throttle;
  FaultScript faults;
  Tally tally;
  std::uint64_t answers = 0;                      // for what differs from one answer to the next
  std::map<std::string, std::uint64_t> requests;  // by path; fetches and unknown paths are summed up
};

class ServiceApi {
public:
  ServiceApi(const SimulatorOptions& options, const Clock& clock, TenantState& state)
      : options_(options), clock_(clock), state_(state) {}

  static bool serves(std::string_view path);
  // The name under which a path is counted.
  static std::string counted_as(const std::string& path);
  // Locks the state while it selects and not while it writes. A fault that waits for a record, or changes the envelope,
  // does its part here.
  net::ServerResponse respond(const net::ServerRequest& request, const std::optional<Fault>& fault);

private:
  struct Resource;
  struct Route;
  static std::optional<Route> route(std::string_view path);
  std::optional<net::ServerResponse> refuse(const net::ServerRequest& request, const Resource& resource);
  net::ServerResponse fetch(const Resource& resource, const std::string& id);
  net::ServerResponse list(const net::ServerRequest& request, const Resource& resource,
                           const std::optional<Fault>& fault);
  net::ServerResponse write_page(const Feed& feed, const Page& page, const std::optional<Fault>& fault,
                                 std::uint64_t wander) const;
  Scope scope(const Resource& resource) const;

  const SimulatorOptions& options_;
  const Clock& clock_;
  TenantState& state_;
};

}  // namespace capstan::simulator
