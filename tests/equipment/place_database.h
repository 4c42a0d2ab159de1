// Writes a small database in the MaxMind DB format, version 2.0 (https://maxmind.github.io/MaxMind-DB/): records of 24
// bits, IPv4 addresses inside the IPv6 tree, no pointers.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace capstan::equipment {

class PlaceDatabase {
public:
  struct Known {
    std::string continent, country, state, city;  // empty: left out
    double latitude = 0;
    double longitude = 0;
    bool has_location = true;
  };

  // `bits` of an IPv4 address, highest first, are one network.
  void add_ipv4(std::uint32_t address, int bits, const Known& known) {
    std::array<std::uint8_t, 16> wide{};
    for (int i = 0; i < 4; ++i)
      wide[static_cast<std::size_t>(12 + i)] = static_cast<std::uint8_t>(address >> (24 - 8 * i));
    add_ipv6(wide, 96 + bits, known);
  }
  // No network may lie inside another.
  void add_ipv6(const std::array<std::uint8_t, 16>& address, int bits, const Known& known) {
    std::size_t node = 0;
    for (int i = 0; i < bits; ++i) {
      const bool right = ((address[static_cast<std::size_t>(i / 8)] >> (7 - i % 8)) & 1) != 0;
      std::int64_t& next = nodes_[node][right ? 1 : 0];
      if (i + 1 == bits) {
        next = -1 - static_cast<std::int64_t>(data_.size());
      } else {
        if (next == 0) {
          next = static_cast<std::int64_t>(nodes_.size());
          nodes_.push_back({0, 0});
        }
        node = static_cast<std::size_t>(nodes_[node][right ? 1 : 0]);
      }
    }
    data_ += record(known);
  }

  std::string bytes() const {
    std::string out;
    for (const auto& node : nodes_)
      for (const std::int64_t next : node) {
        // Of what is known the offset behind the tree and its 16 zero bytes; the number of nodes says "nothing".
        const auto count = static_cast<std::int64_t>(nodes_.size());
        append_number(out, next == 0 ? count : next > 0 ? next : count + 16 + (-1 - next), 3);
      }
    out += std::string(16, '\0') + data_ + "\xAB\xCD\xEFMaxMind.com" + metadata();
    return out;
  }
  void write(const std::string& path) const { std::ofstream(path, std::ios::binary) << bytes(); }

private:
  // The types' numbers of the format.
  static constexpr int text_type = 2;
  static constexpr int double_type = 3;
  static constexpr int uint16_type = 5;
  static constexpr int uint32_type = 6;
  static constexpr int map_type = 7;
  static constexpr int uint64_type = 9;
  static constexpr int array_type = 11;

  static void append_number(std::string& out, std::int64_t value, int size) {
    for (int i = size - 1; i >= 0; --i) out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
  static std::string control(int type, std::size_t size) {
    std::string out;
    const int short_size = size < 29 ? static_cast<int>(size) : 29;
    out += static_cast<char>(((type <= 7 ? type : 0) << 5) | short_size);
    if (type > 7) out += static_cast<char>(type - 7);
    if (size >= 29) out += static_cast<char>(size - 29);
    return out;
  }
  static std::string text(std::string_view value) { return control(text_type, value.size()) + std::string(value); }
  static std::string real(double value) {
    std::string out = control(double_type, 8);
    append_number(out, std::bit_cast<std::int64_t>(value), 8);
    return out;
  }
  static std::string number(int type, std::int64_t value, int size) {
    std::string out = control(type, static_cast<std::size_t>(size));
    append_number(out, value, size);
    return out;
  }
  static std::string names(std::string_view english) {
    return control(map_type, 1) + text("names") + control(map_type, 1) + text("en") + text(english);
  }
  static std::string record(const Known& known) {
    std::string body;
    std::size_t members = 0;
    const auto add = [&](std::string_view name, const std::string& value) {
      body += text(name) + value;
      ++members;
    };
    if (!known.continent.empty()) add("continent", names(known.continent));
    if (!known.country.empty()) add("country", names(known.country));
    if (!known.state.empty()) add("subdivisions", control(array_type, 1) + names(known.state));
    if (!known.city.empty()) add("city", names(known.city));
    if (known.has_location)
      add("location",
          control(map_type, 2) + text("latitude") + real(known.latitude) + text("longitude") + real(known.longitude));
    return control(map_type, members) + body;
  }
  std::string metadata() const {
    return control(map_type, 9) + text("node_count") +
           number(uint32_type, static_cast<std::int64_t>(nodes_.size()), 4) + text("record_size") +
           number(uint16_type, 24, 2) + text("ip_version") + number(uint16_type, 6, 2) + text("database_type") +
           text("Test-City") + text("languages") + control(array_type, 1) + text("en") +
           text("binary_format_major_version") + number(uint16_type, 2, 2) + text("binary_format_minor_version") +
           number(uint16_type, 0, 2) + text("build_epoch") + number(uint64_type, 1, 8) + text("description") +
           control(map_type, 1) + text("en") + text("for tests");
  }

  // 0: nothing there; above: another node; below: -1 - offset in the data.
  std::vector<std::array<std::int64_t, 2>> nodes_{{0, 0}};
  std::string data_;
};

}  // namespace capstan::equipment
