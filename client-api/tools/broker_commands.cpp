#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <iomanip>
#include <iostream>
#include <memory>

#include "commands.hpp"
#include "rest_table.hpp"

// The broker as a whole: how it is, what it warns of, and copies of its store.

namespace giromq::tool {
namespace json = boost::json;
namespace {

/// Exit code 0 if it is ready for work, 1 if not: for scripts.
int show_status(const Common& common) {
    const auto answer = RestClient(common).call("GET", "/api/v1/overview");
    const auto& overview = object_of(answer);
    print_fields(common, overview);
    if (!common.json) {
        const auto* const store = overview.at("store").if_object();
        for (const auto* const name : {"writable", "diskFull", "freeBytes", "storeBytes", "walBytes", "commits"}) {
            if (store != nullptr)
                std::cout << std::left << std::setw(22) << "store." + std::string(name) << ' ' << field_text(*store, name) << '\n';
        }
        for (const auto& alarm : overview.at("alarms").as_array()) {
            std::cout << "ALARM (" << field_text(alarm.as_object(), "severity") << "): " << field_text(alarm.as_object(), "text") << '\n';
        }
    }
    return field_text(overview, "state") == "ready" ? exit_ok : exit_failed;
}

/// Exit code 0 if nothing is wrong, 4 if there is an alarm.
int list_alarms(const Common& common) {
    const auto answer = RestClient(common).call("GET", "/api/v1/alarms");
    const auto& alarms = object_of(answer).at("items").as_array();
    for (const auto& each : alarms) {
        const auto& alarm = each.as_object();
        if (common.json) {
            std::cout << json::serialize(alarm) << '\n';
        } else {
            std::cout << std::left << std::setw(9) << field_text(alarm, "severity") << std::setw(25) << field_text(alarm, "since")
                      << std::setw(19) << field_text(alarm, "kind") << field_text(alarm, "text") << '\n';
        }
    }
    if (alarms.empty() && !common.json) std::cout << "There is no alarm.\n";
    return alarms.empty() ? exit_ok : exit_differs;
}

int list_certificates(const Common& common) {
    const auto answer = RestClient(common).call("GET", "/api/v1/overview");
    const auto& certificates = object_of(answer).at("certificates").as_array();
    for (const auto& each : certificates) {
        const auto& certificate = each.as_object();
        if (common.json) {
            std::cout << json::serialize(certificate) << '\n';
        } else {
            std::cout << field_text(certificate, "listener") << ": " << field_text(certificate, "subject") << ", by "
                      << field_text(certificate, "issuer") << ", until " << field_text(certificate, "notAfter") << " ("
                      << field_text(certificate, "daysLeft") << " days)\n";
        }
    }
    if (certificates.empty() && !common.json) std::cout << "No listener has a certificate.\n";
    return exit_ok;
}

/// The figures of an hour or a day: a time a line, a series a column.
int show_history(const Common& common, const std::string& series, const std::string& range, std::size_t last) {
    const auto query = "?range=" + range + (series.empty() ? "" : "&series=" + percent_encoded(series));
    const auto answer = RestClient(common).call("GET", "/api/v1/history" + query);
    const auto& history = object_of(answer);
    if (common.json) {
        std::cout << json::serialize(history) << '\n';
        return exit_ok;
    }
    const auto& all = history.at("series").as_object();
    std::size_t length = 0;
    std::cout << "from " << field_text(history, "from") << ", every " << field_text(history, "stepMs") << " ms, the latest last\n";
    for (const auto& one : all) {
        std::cout << std::right << std::setw(18) << printable(std::string_view(one.key()));
        length = std::max(length, one.value().as_array().size());
    }
    std::cout << '\n';
    for (std::size_t at = length > last ? length - last : 0; at < length; ++at) {
        for (const auto& one : all) {
            const auto& values = one.value().as_array();
            std::cout << std::right << std::setw(18) << (at < values.size() ? json::serialize(values[at]) : "");
        }
        std::cout << '\n';
    }
    return exit_ok;
}

int back_up(const Common& common, const std::string& file) {
    const json::value body = json::object{{"file", file}};
    const auto answer = RestClient(common).call("POST", "/api/v1/backup", &body);
    print_fields(common, object_of(answer));
    return exit_ok;
}

}  // namespace

void add_broker_commands(CLI::App& app, const Common& common, Run& run) {
    app.add_subcommand("status", "How the broker is; exit code 1 if it is not ready for work (REST)")
        ->fallthrough()
        ->callback([&common, &run] { run = [&common] { return show_status(common); }; });
    app.add_subcommand("alarms", "What the broker warns of; exit code 4 if there is anything (REST)")
        ->fallthrough()
        ->callback([&common, &run] { run = [&common] { return list_alarms(common); }; });
    app.add_subcommand("certificates", "The certificates of the listeners, and how long they are good for (REST)")
        ->fallthrough()
        ->callback([&common, &run] { run = [&common] { return list_certificates(common); }; });

    const auto series = std::make_shared<std::string>();
    const auto range = std::make_shared<std::string>("1h");
    const auto last = std::make_shared<std::size_t>(60);
    CLI::App* const history = app.add_subcommand("history", "Rates, depths, commit latency and more of the last hour or day (REST)");
    history->add_option("--series", *series, "Names with commas between them, such as messages,enqueuedRate; all without it");
    history->add_option("--range", *range, "An hour by the second, or a day by the minute")
        ->check(CLI::IsMember({"1h", "1d"}))
        ->capture_default_str();
    history->add_option("--last", *last, "How many lines")->check(CLI::Range(1, 100000))->capture_default_str();
    history->fallthrough()->callback([&common, &run, series, range, last] {
        run = [&common, series, range, last] { return show_history(common, *series, *range, *last); };
    });

    const auto file = std::make_shared<std::string>();
    CLI::App* const backup =
        app.add_subcommand("backup", "Copies the store, as it is now, into the backups folder of its data directory (REST)");
    backup->add_option("FILE", *file, "Its name there, which must be new")->required();
    backup->fallthrough()->callback([&common, &run, file] { run = [&common, file] { return back_up(common, *file); }; });
}

}  // namespace giromq::tool
