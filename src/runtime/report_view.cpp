#include "report_view.h"

#include <algorithm>

#include "component/sink.h"

namespace capstan::runtime {

namespace json = boost::json;

JsonView JsonView::operator[](std::string_view name) const {
  static const json::value nothing;
  const json::value* const member = value_->is_object() ? value_->get_object().if_contains(name) : nullptr;
  return JsonView(member == nullptr ? nothing : *member);
}

const json::array& JsonView::items() const {
  static const json::array none;
  return value_->is_array() ? value_->get_array() : none;
}

std::string JsonView::text() const { return value_->is_string() ? std::string(value_->get_string()) : std::string{}; }

std::uint64_t JsonView::number() const {
  if (value_->is_uint64()) return value_->get_uint64();
  if (value_->is_int64() && value_->get_int64() > 0) return static_cast<std::uint64_t>(value_->get_int64());
  return 0;
}

bool JsonView::flag() const { return value_->is_bool() && value_->get_bool(); }

bool JsonView::has_exactly(std::initializer_list<std::string_view> names) const {
  return value_->is_object() && value_->get_object().size() == names.size() &&
         std::ranges::all_of(names, [this](std::string_view name) { return value_->get_object().contains(name); });
}

bool JsonView::is_there() const { return !value_->is_null(); }

std::string acknowledged(const JsonView& destination) {
  return destination["proof"].text() == to_string(Sink::Proof::not_provable) ? std::string(sent_not_provable)
                                                                             : "acknowledged";
}

JsonView route_in(const JsonView& hour, const std::string& route) {
  static const json::value nothing;
  for (const json::value& one : hour["routes"].items())
    if (JsonView(one)["route"].text() == route) return JsonView(one);
  return JsonView(nothing);
}

std::vector<JsonView> hours_of(const JsonView& source, const std::string& feed) {
  std::vector<JsonView> hours;
  for (const json::value& one : source["hours"].items())
    if (JsonView(one)["feed"].text() == feed) hours.emplace_back(one);
  return hours;
}

std::vector<std::string_view> fates_of(const JsonView& source, const std::string& route) {
  std::vector<std::string_view> fates;
  for (const std::string_view fate : {"delivered", "dropped", "dead_lettered", "not_selected", "lost", "waiting",
                                      "unknown", "not_provable", "resent"}) {
    const auto has_some = [&](const json::value& total) { return route_in(JsonView(total), route)[fate].number() > 0; };
    if (fates.size() < 2 || std::ranges::any_of(source["totals"].items(), has_some)) fates.push_back(fate);
  }
  return fates;
}

std::string title_of(std::string_view fate) {
  if (fate == "dead_lettered") return "dead-lettered";
  std::string title(fate);
  std::ranges::replace(title, '_', ' ');
  return title;
}

std::string short_time(const JsonView& time) {
  std::string text = time.text().substr(0, 19);
  if (text.size() > 10) text[10] = ' ';
  return text;
}

std::string short_hour(const JsonView& time) {
  const std::string text = time.text();
  return text.size() < 16 ? text : text.substr(11, 5);
}

}  // namespace capstan::runtime
