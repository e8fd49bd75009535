#include "admin-web/live_values.hpp"

#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

#include "admin-web/answers.hpp"

namespace giromq::admin_web {
namespace json = boost::json;
namespace {

std::string quoted(std::string_view text) { return json::serialize(json::value(json::string(text))); }

json::value text_or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

}  // namespace

json::array alarms_json(const std::vector<admin::Alarm>& alarms) {
    json::array items;
    for (const auto& alarm : alarms) {
        json::object item;
        item["id"] = alarm.id();
        item["kind"] = to_string(alarm.kind);
        item["severity"] = to_string(alarm.severity);
        item["object"] = alarm.object;
        item["text"] = alarm.text();
        item["since"] = to_text(alarm.since);
        item["value"] = alarm.value;
        item["threshold"] = alarm.threshold;
        items.push_back(std::move(item));
    }
    return items;
}

json::object operation_json(const admin::OperationView& view) {
    json::object item;
    item["id"] = std::to_string(view.id);
    item["kind"] = to_string(view.kind);
    item["queue"] = view.queue;
    item["to"] = text_or_null(view.to);
    item["state"] = to_string(view.state);
    item["matched"] = view.matched ? json::value(*view.matched) : json::value(nullptr);
    item["done"] = view.done;
    item["skipped"] = view.skipped;
    item["failed"] = view.failed;
    item["startedAt"] = to_text(view.started_at);
    item["endedAt"] = view.ended_at.is_set() ? json::value(to_text(view.ended_at)) : json::value(nullptr);
    item["by"] = view.by;
    item["error"] = text_or_null(view.error);
    return item;
}

std::string number_text(double number) {
    if (!std::isfinite(number)) return "null";
    char text[400];
    const auto end = std::to_chars(text, text + sizeof text, number, std::chars_format::fixed, 2).ptr;
    std::string result(text, end);
    result.erase(result.find_last_not_of('0') + 1);
    if (result.back() == '.') result.pop_back();
    return result;
}

std::string sample_event(const admin::Sample& sample) {
    std::string text = R"({"type":"sample","at":)" + quoted(to_text(sample.at));
    for (std::size_t series = 0; series < admin::series_count; ++series) {
        text += ",\"" + std::string(admin::series_names[series]) + "\":" + number_text(sample.values[series]);
    }
    return text + "}";
}

std::string alarms_event(const std::vector<admin::Alarm>& alarms) {
    return R"({"type":"alarms","items":)" + json::serialize(alarms_json(alarms)) + "}";
}

std::string operation_event(const admin::OperationView& operation) {
    return R"({"type":"operation","item":)" + json::serialize(operation_json(operation)) + "}";
}

std::string history_text(const admin::History::View& view, const std::vector<admin::Series>& chosen) {
    std::string text = R"({"stepMs":)" + std::to_string(view.step_ms) + R"(,"from":)" + quoted(to_text(view.from)) + R"(,"series":{)";
    bool is_first = true;
    for (const auto series : chosen) {
        const auto index = static_cast<std::size_t>(series);
        text += (is_first ? "\"" : ",\"") + std::string(admin::series_names[index]) + "\":[";
        is_first = false;
        for (const auto& values : view.values) {
            if (text.back() != '[') text += ',';
            text += number_text(values[index]);
        }
        text += ']';
    }
    return text + "}}";
}

}  // namespace giromq::admin_web
