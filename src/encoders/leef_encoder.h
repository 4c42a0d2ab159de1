// Writes rows as LEEF lines (IBM, "LEEF event format"). The part behind the configuration: encoders/leef.h declares it.
//
// The format has no escapes: the delimiter, line ends and other control characters become blanks in a value, `|` too in
// the header. `=` in a value stays: readers split at the first.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cell_writer.h"
#include "component/encoder.h"
#include "config/schema.h"
#include "mapped_feeds.h"

namespace capstan::leef {

enum class Version : std::uint8_t { one, two };

struct LeefOptions {
  Version version = Version::two;
  // Between attributes. A tab does not come through rsyslog, which writes #011 for it; version 1.0 knows nothing else.
  std::string delimiter = "^";
  std::string vendor = "Microsoft";
  std::string product = "Defender for Cloud Apps";
  std::string product_version = "1.0";
  config::Raw mapping = {};  // read where the encoder is made
};

struct AttributeRules {
  encoders::CellKind kind = encoders::CellKind::text;
  std::size_t length_max = encoders::no_limit;  // bytes
};

const encoders::MappingForm& mapping_form();
// Keys that are no words or stand twice.
void check_mapping(const encoders::Mapping& mapping, config::Findings& findings);

class LeefEncoder final : public Encoder {
public:
  // `mappings` come before the built-in ones.
  explicit LeefEncoder(LeefOptions options, std::vector<encoders::Mapping> mappings = {});
  ~LeefEncoder() override;
  const kql::Wanted* wanted(std::string_view feed) const override { return &feeds_.of(feed).wanted; }
  WantedOrigin origin(std::string_view feed, const kql::WantedPlace& place) const override {
    return feeds_.origin(feed, place);
  }
  Result<> encode(const Row& row, std::string& out) const override;

private:
  class Line;
  struct Attribute {
    std::string key;
    AttributeRules rules;
  };

  static void add_missing(Line& line, const Row& row);
  void write_quarantined(const Row& row, std::string& out) const;

  char delimiter_;
  std::string beginning_;          // LEEF:2.0|vendor|product|version|
  std::string before_attributes_;  // ^| of version 2.0
  encoders::MappedFeeds feeds_;
  std::vector<std::vector<std::vector<Attribute>>> attributes_;  // by place in feeds_.all(), by shape
};

}  // namespace capstan::leef
