// For the tests of this room: a clock that is turned by hand, and a tenant in memory behind the HttpClient that answers
// list questions the way the service is known to (scan mode drops the tail of a page, `skip` reaches 5,000, gte and lte
// are inclusive), until a test bends it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "component/registry.h"
#include "config/document.h"
#include "net/http.h"
#include "net/tenant.h"
#include "sources/mdca.h"

namespace capstan::mdca {

namespace json = boost::json;

class HandClock final : public Clock {
public:
  Timestamp now() const override { return wall; }
  MonotonicTime monotonic() const override { return MonotonicTime{std::chrono::hours(1) + passed}; }
  Timestamp wall = from_epoch_ms(1'800'000'000'000);
  std::chrono::milliseconds passed{0};
};

struct FakeRecord {
  std::string raw;
  std::int64_t created = 0;
  std::int64_t date = 0;
  std::int64_t visible = 0;  // from this server time on
};

inline FakeRecord activity(const std::string& id, std::int64_t created, std::int64_t lateness = 0) {
  return {fmt::format(R"({{"_id":"{}","timestamp":{},"created":{},"eventTypeName":"EVENT_CATEGORY_LOGIN"}})", id,
                      created - 200'000, created),
          created, created - 200'000, created + lateness};
}

inline FakeRecord alert(const std::string& id, std::int64_t time, const std::string& more = {}) {
  return {fmt::format(R"({{"_id":"{}","timestamp":{}{}}})", id, time, more), time, time, time};
}

class FakeTenant final : public net::HttpClient {
public:
  explicit FakeTenant(HandClock& clock) : clock_(clock) {}

  // The service's own time; runs with the hand clock from here.
  std::int64_t server_start = 1'790'000'000'000;
  std::int64_t server_now() const { return server_start + clock_.passed.count(); }

  std::map<std::string, std::vector<FakeRecord>> lists;  // by path: "activities/", "alerts/", …
  bool sends_date = true;
  std::chrono::hours date_ahead{0};  // of the Date header, as a proxy with a wrong clock would write it
  // Looked at before anything else; an answer ends it there.
  std::function<std::optional<net::Response>(const std::string& path, const json::object& question)> bend;
  // Looked at behind everything else.
  std::function<void(const std::string& path, const json::object& question, json::object& answer)> twist;

  struct Asked {
    std::string path;
    json::object question;
    std::string authorization;
    std::chrono::milliseconds at{0};
  };
  std::vector<Asked> asked;

  Result<net::Response> send(const net::Request& request, const net::Call&) override {
    const std::string base = "https://contoso.eu2.portal.cloudappsecurity.com/api/v1/";
    if (!request.url.starts_with(base)) return json_answer(200, R"({"access_token":"at","expires_in":3599})");
    const std::string path = request.url.substr(base.size());
    const json::object question = json::parse(request.body.reveal()).as_object();
    asked.push_back({path, question, std::string(request.authorization.reveal()), clock_.passed});
    if (bend)
      if (auto bent = bend(path, question)) {
        date(*bent);
        return std::move(*bent);
      }
    return list(path, question);
  }

  static net::Response json_answer(int status, std::string body) {
    net::Response response;
    response.status = status;
    response.headers = {{"Content-Type", "application/json"}};
    response.body = std::move(body);
    return response;
  }

  std::size_t count(const std::string& path) const {
    return static_cast<std::size_t>(
        std::count_if(asked.begin(), asked.end(), [&](const Asked& a) { return a.path == path; }));
  }

private:
  void date(net::Response& response) const {
    if (!sends_date) return;
    const auto time = std::chrono::floor<std::chrono::seconds>(from_epoch_ms(server_now()) + date_ahead);
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day ymd{day};
    const std::chrono::hh_mm_ss hms{time - day};
    constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    response.headers.push_back(
        {"date", fmt::format("Mon, {:02} {} {} {:02}:{:02}:{:02} GMT", static_cast<unsigned>(ymd.day()),
                             months[static_cast<unsigned>(ymd.month()) - 1], static_cast<int>(ymd.year()),
                             hms.hours().count(), hms.minutes().count(), hms.seconds().count())});
  }

  static bool passes(const json::value* filter, std::int64_t value) {
    if (filter == nullptr) return true;
    for (const auto& [op, bound] : filter->as_object()) {
      if (op == "gte" && value < bound.to_number<std::int64_t>()) return false;
      if (op == "lte" && value > bound.to_number<std::int64_t>()) return false;
      if (op == "range") {
        const auto& range = bound.as_array().front().as_object();
        if (value < range.at("start").to_number<std::int64_t>() || value > range.at("end").to_number<std::int64_t>())
          return false;
      }
    }
    return true;
  }

  Result<net::Response> list(const std::string& path, const json::object& question) {
    const json::object& filters = question.at("filters").as_object();
    std::vector<const FakeRecord*> found;
    for (const auto& record : lists[path])
      if (record.visible <= server_now() && passes(filters.if_contains("created"), record.created) &&
          passes(filters.if_contains("date"), record.date) && passes(filters.if_contains("modifiedDate"), record.date))
        found.push_back(&record);
    const bool by_date = !question.contains("sortField") || question.at("sortField") != "created";
    const bool descending = question.contains("sortDirection") && question.at("sortDirection") == "desc";
    std::stable_sort(found.begin(), found.end(), [&](const FakeRecord* a, const FakeRecord* b) {
      const auto ka = by_date ? a->date : a->created;
      const auto kb = by_date ? b->date : b->created;
      return ka < kb;
    });
    if (descending) std::reverse(found.begin(), found.end());
    const bool scans = question.contains("isScan");
    const auto limit = question.at("limit").to_number<std::size_t>();
    const auto skip = scans ? 0 : question.at("skip").to_number<std::size_t>();
    EXPECT_LE(scans ? 0 : skip + limit, 5000U) << "asked beyond the reach of skip";
    json::object answer;
    json::array records;
    std::size_t end = std::min(found.size(), skip + limit);
    const bool has_next = end < found.size();
    std::string data;
    json::object next;
    if (scans && has_next) {
      // The tail of the page is left out and listed with the next.
      const FakeRecord* last = found[end - 1];
      const auto key = by_date ? last->date : last->created;
      std::size_t kept = end;
      while (kept > skip && (by_date ? found[kept - 1]->date : found[kept - 1]->created) == key) --kept;
      if (kept > skip) end = kept;
      next = filters;
      const char* field = by_date ? "date" : "created";
      if (!next.contains(field)) next[field] = json::object();
      next[field].as_object()[descending ? "lte" : "gte"] = key;
    }
    for (std::size_t i = skip; i < end; ++i) data += (data.empty() ? "" : ",") + found[i]->raw;
    answer["hasNext"] = has_next;
    answer["total"] = static_cast<std::int64_t>(found.size());
    if (!next.empty()) answer["nextQueryFilters"] = next;
    answer["data"] = "@";
    if (twist) twist(path, question, answer);
    std::string body = json::serialize(answer);
    const std::size_t at = body.find("\"@\"");
    if (at != std::string::npos) body.replace(at, 3, "[" + data + "]");
    auto response = json_answer(200, std::move(body));
    date(response);
    return response;
  }

  HandClock& clock_;
};

// The source over a FakeTenant, and what the runtime would do with what it gives.
class Collector {
public:
  explicit Collector(FakeTenant& tenant, HandClock& clock, std::string options = {},
                     unsigned requests_per_minute = 1'000'000)
      : clock_(clock), http_(tenant), options_text_(std::move(options)), requests_per_minute_(requests_per_minute) {
    restart();
  }

  // As after a kill: only the checkpoint is left.
  void restart() {
    net::TenantOptions options;
    options.name = "contoso";
    options.api_url = "https://contoso.eu2.portal.cloudappsecurity.com";
    options.method = net::TenantOptions::Method::oauth2;
    options.tenant_id = "dir";
    options.client_id = "app";
    options.client_secret = Secret("client-secret");
    options.files_token = Secret("files-token");
    options.requests_per_minute = requests_per_minute_;
    tenant_ = std::make_shared<net::Tenant>(options, clock_, http_);
    config::Findings findings;
    const auto node = config::parse("tenant: contoso\n" + options_text_, "test.yaml",
                                    {[](const std::string&) { return std::nullopt; }, &files_}, findings);
    World world{clock_, files_, http_};
    BuildContext context{world, "contoso_mdca", [this](std::string_view) { return tenant_; }};
    source_ = mdca_kind().make(node, context, findings);
    for (const auto& finding : findings.all()) ADD_FAILURE() << config::to_string(finding);
  }

  Result<Poll> poll() {
    auto poll = source_->poll(checkpoint, {});
    if (poll) {
      checkpoint = poll->next;
      take(poll->batch);
      for (auto& report : poll->feeds) {
        if (!report.note.empty()) notes[report.feed] = report.note;
        if (report.error) errors.push_back(report.error->text());
        passed_over += report.records_passed_over;
      }
    } else {
      errors.push_back(poll.error().text());
    }
    return poll;
  }

  // Until everything is drained; waits are passed on the hand clock.
  void drain(int polls_max = 2000) {
    for (int i = 0; i < polls_max; ++i) {
      const auto result = poll();
      if (result && result->is_drained) return;
      clock_.passed += result ? result->wait : result.error().pause().value_or(std::chrono::seconds(1));
    }
    ADD_FAILURE() << "not drained after " << polls_max << " polls; last error "
                  << (errors.empty() ? "none" : errors.back());
  }

  void take(const Batch& batch) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const RecordView record = batch[i];
      const std::string key = std::string(record.feed) + "/" + std::string(record.id);
      ++seen[key];
      contents[key].insert(record.content_hash);
      if (record.is_quarantined) ++quarantined;
      last_raw = std::string(record.raw);
      last_saved = record.saved_time;
    }
  }

  std::size_t ids(const std::string& feed) const {
    return static_cast<std::size_t>(
        std::count_if(seen.begin(), seen.end(), [&](const auto& s) { return s.first.starts_with(feed + "/"); }));
  }

  Source& source() { return *source_; }
  net::Tenant& tenant() { return *tenant_; }

  Checkpoint checkpoint;
  std::map<std::string, int> seen;
  std::map<std::string, std::set<std::uint64_t>> contents;
  std::map<std::string, std::string> notes;
  std::vector<std::string> errors;
  std::uint64_t passed_over = 0;
  std::size_t quarantined = 0;
  std::string last_raw;
  Timestamp last_saved{};

private:
  HandClock& clock_;
  FakeTenant& http_;
  PosixFileSystem files_;
  std::string options_text_;
  unsigned requests_per_minute_;
  std::shared_ptr<net::Tenant> tenant_;
  std::unique_ptr<Source> source_;
};

}  // namespace capstan::mdca
