#include <array>
#include <unordered_map>
#include <utility>

#include "encoders/cef_parser.h"
#include "encoders/device_date.h"
#include "json_object.h"
#include "line_cef_keys.h"
#include "line_columns.h"
#include "line_record.h"

namespace capstan::app {

namespace {

// Columns that have become too narrow, and those that Sentinel fills beside them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> wider_columns{
    {{"DeviceCustomNumber1", "FieldDeviceCustomNumber1"},
     {"DeviceCustomNumber2", "FieldDeviceCustomNumber2"},
     {"DeviceCustomNumber3", "FieldDeviceCustomNumber3"},
     {"ExternalID", "ExtID"}}};

const LineColumns& columns() {
  static const LineColumns all("cef");
  return all;
}

std::unordered_map<std::string_view, std::string_view> read_keys() {
  std::unordered_map<std::string_view, std::string_view> all;
  std::string_view rest = cef_key_columns.substr(1);
  while (!rest.empty()) {
    const std::string_view row = rest.substr(0, rest.find('\n'));
    const std::size_t blank = row.find(' ');
    all.emplace(row.substr(0, blank), row.substr(blank + 1));
    rest.remove_prefix(row.size() + 1);
  }
  return all;
}

std::string_view column_of(std::string_view key) {
  static const std::unordered_map<std::string_view, std::string_view> all = read_keys();
  const auto found = all.find(key);
  return found == all.end() ? std::string_view{} : found->second;
}

class CefRecord {
public:
  CefRecord(const CefEvent& event, Timestamp now) : event_(event), now_(now) {}

  LineRecord made() {
    const LineHeader header = read_line_header(event_.prefix, now_);
    const std::string* receipt = event_.find("rt");
    const auto receipt_time = receipt == nullptr ? std::nullopt : parse_device_date(*receipt, now_);
    const auto time = receipt_time ? receipt_time : header.time;
    if (time) record_.text("TimeGenerated", to_iso8601(*time));
    if (!header.host.empty()) record_.text("Computer", header.host);
    record_.text("DeviceVendor", event_.vendor)
        .text("DeviceProduct", event_.product)
        .text("DeviceVersion", event_.device_version)
        .text("DeviceEventClassID", event_.signature)
        .text("Activity", event_.name)
        .text("LogSeverity", event_.severity);
    additional_ = event_.loose;
    for (const auto& [key, value] : event_.extension) add(key, value);
    if (!additional_.empty()) record_.text("AdditionalExtensions", additional_);
    record_.number("CEFVersion", event_.version).raw("Extension", extension_.json());
    if (!event_.prefix.empty()) record_.text("Prefix", event_.prefix);
    return {record_.json(), time.value_or(Timestamp{})};
  }

private:
  void add(std::string_view key, std::string_view value) {
    extension_.text(key, value);
    const std::string_view column = column_of(key);
    if (column.empty()) {
      additional_.append(additional_.empty() ? "" : ";").append(key).append(1, '=').append(value);
      // A key that is called like a column must not be taken for it; Extension has it.
      if (!columns().has(key)) record_.text(key, value);
      return;
    }
    for (const auto& [narrow, wide] : wider_columns) {
      if (narrow != column) continue;
      record_.raw(wide, columns().json(wide, value, now_));
      if (!columns().holds(narrow, value)) return;
    }
    record_.raw(column, columns().json(column, value, now_));
  }

  const CefEvent& event_;
  Timestamp now_;
  JsonObject record_;
  JsonObject extension_;
  std::string additional_;
};

}  // namespace

Result<LineRecord> cef_record(std::string_view line, Timestamp now) {
  const CefEvent event = TRY(parse_cef(line, CefParsing::lenient));
  return CefRecord(event, now).made();
}

}  // namespace capstan::app
