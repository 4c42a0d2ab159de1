#include <fmt/format.h>

#include "cast.h"
#include "dice.h"
#include "json_text.h"
#include "records.h"

namespace capstan::simulator {
namespace {

struct Type {
  std::string_view extension;
  std::string_view mime;
  int number;
  std::string_view name;
};
constexpr Type types[] = {{"docx", "application/vnd.openxmlformats", 1, "DOCUMENT"},
                          {"xlsx", "application/vnd.openxmlformats", 2, "SPREADSHEET"},
                          {"pptx", "application/vnd.openxmlformats", 3, "PRESENTATION"},
                          {"txt", "text/plain", 4, "TEXT"},
                          {"jpeg", "image/jpeg", 5, "IMAGE"},
                          {"zip", "application/zip", 0, "OTHER"}};
constexpr std::string_view access_levels[] = {"PRIVATE", "INTERNAL", "EXTERNAL", "PUBLIC", "PUBLIC_INTERNET"};

class Files final : public Records {
public:
  explicit Files(const Company& company) : company_(company) {}

  std::string id(std::uint32_t index) const override {
    return id_digits(company_.seed, Stream::files, index) + hex_digits(mix(index), 8);
  }
  std::optional<std::uint32_t> find(std::string_view id) const override {
    return id.size() == 24 ? index_of_digits(company_.seed, Stream::files, id) : std::nullopt;
  }
  void write(const Entry& entry, std::string& out) const override;

private:
  void write_place(JsonText& json, std::uint64_t random, std::string_view name, const Person& owner) const;

  Company company_;
};

// The service writes some members as a pair: a number and its name.
void pair(JsonText& json, std::string_view key, std::int64_t number, std::string_view name) {
  json.open_list(key).number("", number).text("", name).close_list();
}

void Files::write(const Entry& entry, std::string& out) const {
  Dice dice(company_.seed, static_cast<std::uint64_t>(Stream::files), entry.index);
  const std::uint64_t random = dice.next();
  const bool is_folder = dice.below(12) == 0;
  const Type& type = types[dice.below(std::size(types))];
  const Person owner = person(company_, static_cast<std::uint32_t>(dice.below(people_count)));
  const std::string name =
      is_folder ? fmt::format("Folder {}", entry.index) : fmt::format("{:04}_{}", entry.index, file_name(random));
  const auto level = static_cast<std::int64_t>((dice.below(5) + entry.version - 1) % 5);
  const std::string id_text = id(entry.index);
  JsonText json(out);
  json.open().text("_id", id_text).number("_tid", company_.tenant_number).number("appId", 15600);
  json.number("saasId", 15600).number("instId", 0).text("appName", "Microsoft OneDrive for Business");
  write_place(json, random, name, owner);
  json.number("fileSize", is_folder ? 0 : static_cast<std::int64_t>(random % 9'000'000 + entry.version));
  json.number("createdDate", entry.moment.created).number("modifiedDate", entry.moment.event);
  json.number("lastNrtTimestamp", entry.moment.event + 187'269).flag("isFolder", is_folder);
  if (!is_folder) {
    pair(json, "fileType", type.number, type.name);
    json.text("fileExtension", type.extension).text("mimeType", type.mime).number("ftype", type.number);
  }
  pair(json, "fileAccessLevel", level, access_levels[level]);
  pair(json, "fileStatus", 0, "EXISTS");
  json.number("facl", level).number("fstat", 0).flag("isForeign", false).flag("noGovernance", false);
  json.text("ownerName", owner.name).text("ownerAddress", owner.address).flag("ownerExternal", owner.is_external);
  json.open_list("emails").text("", owner.address).close_list();
  json.open_list("domains").text("", owner.address.substr(owner.address.find('@') + 1)).close_list();
  json.open_list("externalShares").close_list().open_list("groups").close_list().open_list("groupIds").close_list();
  json.open_list("collaborators");
  if (level >= 1) {
    json.open().text("id", "everyone|edit").text("name", "Everyone").number("role", 2);
    pair(json, "accessLevel", level, access_levels[level]);
    json.number("type", 1).close();
  }
  json.close_list().open_list("dlpScanResults").close_list().open_list("fTags").close_list().flag("enriched", true);
  json.number("scanVersion", 4).number("unseenScans", 0);
  json.text("snapshotLastModifiedDate", iso_time(entry.moment.event + 60'000)).text("originalId", id_text).close();
}

void Files::write_place(JsonText& json, std::uint64_t random, std::string_view name, const Person& owner) const {
  const std::string site = as_guid(hex_digits(company_.seed ^ 31, 32));
  const std::string folder = fmt::format("/personal/{}", owner.address.substr(0, owner.address.find('@')));
  json.text("id", fmt::format("{}|{}", site, as_guid(hex_digits(random, 32))));
  json.text("driveId", fmt::format("{}|{}", site, as_guid(hex_digits(random ^ 1, 32))));
  const std::string parent = fmt::format("{}|{}", site, as_guid(hex_digits(random ^ 2, 32)));
  json.text("parentId", parent).open_list("parentIds").text("", parent).close_list();
  json.open_list("effectiveParents").text("", parent).close_list();
  json.text("name", name).text("name_l", name);
  json.text("alternateLink", fmt::format("https://files.example{}/Documents/{}", folder, name));
  json.text("siteCollection", folder).text("siteCollectionId", site).text("sitePath", folder);
  json.text("filePath", fmt::format("{}/Documents/{}", folder, name)).text("spDomain", "https://files.example");
}

}  // namespace

std::unique_ptr<Records> generated_files(const Company& company) { return std::make_unique<Files>(company); }

}  // namespace capstan::simulator
