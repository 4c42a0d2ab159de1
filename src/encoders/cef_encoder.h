// Writes rows as CEF lines. The part behind the configuration: encoders/cef.h declares it.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cef_keys.h"
#include "component/encoder.h"
#include "config/schema.h"
#include "mapped_feeds.h"

namespace capstan::cef {

enum class Profile {
  // Every rule of the standard: nothing empty, nothing too long, labels only with their values.
  strict,
  // What the retired Microsoft SIEM agent wrote of activities and alerts: its keys in its order, empty ones too, the
  // quoted label of c6a1, nothing cut, alerts with severity 3. Apostrophes in msg stay single: doubled ones are known
  // of
  // release 0.102 alone.
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
  config::Raw mapping = {};  // read where the encoder is made
};

const encoders::MappingForm& mapping_form();
// What the dictionary does not allow: keys that are no words, that stand twice, that belong to the receiver, or that
// have no label and need one.
void check_mapping(const encoders::Mapping& mapping, config::Findings& findings);

class CefEncoder final : public Encoder {
public:
  // `mappings` come before those of the profile.
  explicit CefEncoder(CefOptions options, std::vector<encoders::Mapping> mappings = {});
  const kql::Wanted* wanted(std::string_view feed) const override { return &feeds_.of(feed).wanted; }
  WantedOrigin origin(std::string_view feed, const kql::WantedPlace& place) const override {
    return feeds_.origin(feed, place);
  }
  Result<> encode(const Row& row, std::string& out) const override;

private:
  struct Key {
    std::string lead;  // " cs1Label=portalURL cs1="
    encoders::CellKind kind = encoders::CellKind::text;
    std::size_t length_max = encoders::no_limit;
  };
  // One shape, compiled to what has to be done.
  struct Line {
    std::array<std::size_t, 6> header{};  // the cell of each header field; absent: the option's text
    std::size_t header_cells = 0;
    std::vector<Key> keys;
    bool keep_empty = false;
  };
  static constexpr std::size_t absent = static_cast<std::size_t>(-1);

  Line compile(const encoders::MappedShape& shape) const;
  const Line& line(std::string_view feed, std::size_t shape) const;
  void write_header(const Line& line, const Row& row, std::string& out) const;
  void write_quarantined(const Row& row, std::string& out) const;

  CefOptions options_;
  std::string beginning_;  // CEF:0|vendor|product|version|
  encoders::MappedFeeds feeds_;
  std::vector<std::vector<Line>> lines_;  // by place in feeds_.all(), by shape
};

}  // namespace capstan::cef
