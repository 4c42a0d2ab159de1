// The network between Capstan and the tenant: answers come from the model, late, broken or not at all.
#pragma once

#include <cstdint>

#include "dice.h"
#include "net/http.h"
#include "simulated_time.h"
#include "simulator/tenant_model.h"

namespace capstan::voyages {

class SimulatedNetwork final : public net::HttpClient {
public:
  SimulatedNetwork(simulator::TenantModel& tenant, SimulatedTime& time, Dice& dice)
      : tenant_(tenant), time_(time), dice_(dice) {}

  // How many of a hundred requests go wrong from now on.
  void set_trouble(double share) { trouble_ = share; }
  // The machine has no network at all.
  void set_unplugged(bool unplugged) { unplugged_ = unplugged; }
  std::uint64_t requests() const { return requests_; }
  std::uint64_t troubled() const { return troubled_; }

  Result<net::Response> send(const net::Request& request, const net::Call& call) override;

private:
  Result<net::Response> trouble(const net::Request& request);
  net::Response ask(const net::Request& request);

  simulator::TenantModel& tenant_;
  SimulatedTime& time_;
  Dice& dice_;
  double trouble_ = 0;
  bool unplugged_ = false;
  std::uint64_t requests_ = 0;
  std::uint64_t troubled_ = 0;
};

}  // namespace capstan::voyages
