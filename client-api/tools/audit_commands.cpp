#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iomanip>
#include <iostream>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "rest_client.hpp"

namespace giromq::tool {
namespace json = boost::json;
namespace {

/// Which records; what is empty does not matter.
struct Filter {
    std::string user, action, object, outcome, after, before;
    std::uint64_t count = 100;
};

std::string text(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    if (value != nullptr && value->is_string()) return std::string(value->get_string());
    return value != nullptr && value->is_number() ? json::serialize(*value) : std::string();
}

std::string path_of(const Filter& filter) {
    std::string path = "/api/v1/audit?limit=" + std::to_string(std::min<std::uint64_t>(filter.count, 1000));
    const std::pair<const char*, const std::string*> parameters[] = {{"user", &filter.user},     {"action", &filter.action},
                                                                     {"object", &filter.object}, {"outcome", &filter.outcome},
                                                                     {"after", &filter.after},   {"before", &filter.before}};
    for (const auto& parameter : parameters) {
        if (!parameter.second->empty()) path += '&' + std::string(parameter.first) + '=' + percent_encoded(*parameter.second);
    }
    return path;
}

void print_row(const std::vector<std::string>& cells) {
    constexpr int widths[] = {8, 25, 16, 9, 20, 24, 22};
    std::cout << std::left;
    for (std::size_t column = 0; column < std::size(widths); ++column) std::cout << std::setw(widths[column]) << cells[column] << ' ';
    std::cout << cells.back() << '\n';
}

void print(const Common& common, const json::object& record) {
    if (common.json) {
        std::cout << json::serialize(record) << '\n';
        return;
    }
    std::vector<std::string> cells;
    for (const char* const name : {"number", "at", "user", "outcome", "action", "object", "peer", "detail"}) {
        cells.push_back(printable(text(record, name)));
    }
    print_row(cells);
}

/// The newest first, over as many pages as it takes: one that looks for what is rare may be empty.
int list_audit(const Common& common, const Filter& filter) {
    RestClient rest(common);
    if (!common.json) print_row({"NUMBER", "TIME", "USER", "OUTCOME", "ACTION", "OBJECT", "FROM", "DETAIL"});
    std::string cursor;
    std::uint64_t left = filter.count;
    do {
        const auto answer = rest.call("GET", path_of(filter) + (cursor.empty() ? "" : "&cursor=" + percent_encoded(cursor)));
        const json::object& page = answer.body.as_object();
        for (const auto& record : page.at("items").as_array()) {
            if (left == 0) break;
            --left;
            print(common, record.as_object());
        }
        cursor = text(page, "nextCursor");
    } while (left > 0 && !cursor.empty());
    return exit_ok;
}

/// Exit code 0 if every record is as it was written, 1 if not.
int verify_audit(const Common& common) {
    const auto answer = RestClient(common).call("GET", "/api/v1/audit/verify");
    const json::object& finding = answer.body.as_object();
    const bool is_intact = finding.at("intact").as_bool();
    if (common.json) {
        std::cout << json::serialize(finding) << '\n';
    } else if (is_intact) {
        std::cout << "Intact: " << text(finding, "records") << " records. The hash of the newest, to be kept elsewhere:\n"
                  << text(finding, "head") << '\n';
    } else {
        std::cout << "Not intact: record " << text(finding, "firstBad")
                  << " is not as it was written, or the one before it was changed or removed.\n";
    }
    return is_intact ? exit_ok : exit_failed;
}

}  // namespace

void add_audit_commands(CLI::App& app, const Common& common, Run& run) {
    CLI::App* const audit = app.add_subcommand("audit", "Show and verify who has done what (REST)");
    audit->require_subcommand(1)->fallthrough();
    const auto filter = std::make_shared<Filter>();

    CLI::App* const list = audit->add_subcommand("list", "Shows records, the newest first");
    list->add_option("--by", filter->user, "Only what this user has done");
    list->add_option("--action", filter->action, "Only actions that begin with this, such as queue. or user.delete");
    list->add_option("--object", filter->object, "Only what was done to objects that begin with this");
    list->add_option("--outcome", filter->outcome, "Only with this outcome")
        ->check(CLI::IsMember({"begun", "done", "failed", "cancelled", "refused"}));
    list->add_option("--after", filter->after, "From this time on, such as 2026-11-22T03:00:00Z");
    list->add_option("--before", filter->before, "Earlier than this time");
    list->add_option("--count", filter->count, "How many records at most")->check(CLI::Range(1, 1'000'000))->capture_default_str();
    list->fallthrough()->callback([&common, &run, filter] { run = [&common, filter] { return list_audit(common, *filter); }; });

    CLI::App* const verify = audit->add_subcommand("verify", "Finds out whether every record is as it was written");
    verify->fallthrough()->callback([&common, &run] { run = [&common] { return verify_audit(common); }; });
}

}  // namespace giromq::tool
