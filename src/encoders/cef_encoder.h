// Writes records as CEF lines. The part behind the configuration: encoders/cef.h declares it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cef_mapping.h"
#include "component/encoder.h"

namespace capstan::cef {

enum class Profile {
  // Every rule of the standard: nothing empty, nothing too long, labels only with their values.
  strict,
  // What the retired Microsoft SIEM agent wrote: its keys in its order, empty ones too, the quoted label of c6a1,
  // nothing cut, alerts with severity 3. Apostrophes in msg stay single: doubled ones are known of release 0.102 alone.
  siem_agent,
};

struct CefOptions {
  Profile profile = Profile::strict;
  // With siem_agent: the line begins with the event time, as the agent's did (no priority, no host).
  bool exact = false;
  // The parsers that SIEMs have for the agent look for exactly these two.
  std::string vendor = "MCAS";
  std::string product = "SIEM_Agent";
  std::string device_version = "0.1.0";
  // Of the tenant, for links to activities; empty: those of security.microsoft.com.
  std::string portal_url = {};
};

class CefEncoder final : public Encoder {
public:
  explicit CefEncoder(CefOptions options);
  const FieldPlan* plan(std::string_view feed) const override;
  Result<> encode(const Row& row, std::string& out) const override;

private:
  // A value: a conversion and the slots of its paths.
  struct Compiled {
    Conversion conversion = Conversion::nothing;
    std::vector<std::size_t> slots;
    std::size_t length_max = no_limit;
    std::string lead;  // " cs1Label=portalURL cs1="
  };
  struct Feed {
    std::string_view name;
    FieldPlan plan;
    Compiled signature;
    std::string_view signature_else;
    Compiled title;
    std::string_view title_else;
    Compiled severity;
    std::string_view severity_else;
    std::vector<Compiled> keys;
  };

  Feed compile(const Mapping& mapping) const;
  Compiled compile(const Key& key, FieldPlan& plan) const;
  bool is_written(In in) const;
  const Feed& feed(std::string_view name) const;
  void header(const Feed& feed, const Row& row, std::string& out) const;

  CefOptions options_;
  std::string header_;      // CEF:0|vendor|product|version|
  std::string url_before_;  // of an activity's id
  std::vector<Feed> feeds_;
  Feed other_;
  Feed quarantined_;
};

}  // namespace capstan::cef
