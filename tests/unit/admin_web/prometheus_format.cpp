#include "unit/admin_web/prometheus_format.hpp"

#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <vector>

namespace giromq::test {
namespace {

/// One line that is no comment.
struct Sample {
    std::string name;
    std::map<std::string, std::string> labels;
    double value = 0;
};

struct Family {
    std::string name;
    std::string type;
    std::vector<Sample> samples;
};

std::optional<double> parse_value(const std::string& text) {
    if (text == "+Inf") return HUGE_VAL;
    if (text == "-Inf") return -HUGE_VAL;
    if (text == "NaN") return std::nan("");
    static const std::regex number(R"([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)");
    if (!std::regex_match(text, number)) return std::nullopt;
    return std::strtod(text.c_str(), nullptr);
}

std::optional<Sample> parse_sample(const std::string& line) {
    static const std::regex form(R"(([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?)");
    static const std::regex label(R"re(([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$))re");
    std::smatch parts;
    if (!std::regex_match(line, parts, form)) return std::nullopt;
    const auto value = parse_value(parts[3]);
    if (!value) return std::nullopt;
    Sample sample{parts[1], {}, *value};
    std::string rest = parts[2];
    std::smatch found;
    while (!rest.empty()) {
        if (!std::regex_search(rest, found, label, std::regex_constants::match_continuous)) return std::nullopt;
        if (!sample.labels.emplace(found[1], found[2]).second) return std::nullopt;
        rest = found.suffix();
    }
    return sample;
}

/// Reads the page; `fault` is set to the first line that is not as it should be.
std::vector<Family> parse(std::string_view text, std::string& fault) {
    std::vector<Family> families;
    std::set<std::string> names;
    std::string helped;
    static const std::regex comment(R"(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))");
    while (!text.empty() && fault.empty()) {
        const auto end = text.find('\n');
        const std::string line(text.substr(0, end));
        if (end == std::string_view::npos) fault = "the last line has no end: " + line;
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        std::smatch parts;
        if (std::regex_match(line, parts, comment)) {
            if (parts[1] == "HELP") {
                helped = parts[2];
            } else if (helped != parts[2] || !names.insert(parts[2]).second) {
                fault = "a family begins with HELP and TYPE, once: " + line;
            } else {
                families.push_back({parts[2], parts[3], {}});
            }
        } else if (auto sample = parse_sample(line); sample && !families.empty()) {
            families.back().samples.push_back(std::move(*sample));
        } else {
            fault = "neither a comment nor a sample: " + line;
        }
    }
    return families;
}

bool has_suffix(const std::string& name, std::initializer_list<std::string_view> suffixes) {
    for (const auto suffix : suffixes) {
        if (name.ends_with(suffix)) return true;
    }
    return false;
}

std::string fault_of_name(const Family& family) {
    const auto& name = family.name;
    if (!name.starts_with("giromq_") && !name.starts_with("process_")) return "is not ours";
    if ((family.type == "counter") != name.ends_with("_total")) return "counters, and no others, end with _total";
    if (has_suffix(name, {"_count", "_sum", "_bucket", "_info_total"})) return "has an ending that means something else";
    if (has_suffix(name, {"_ms", "_milliseconds", "_nanoseconds", "_kilobytes", "_minutes", "_percent"})) return "has no base unit";
    return {};
}

/// The samples of one histogram with the same labels, `le` aside, in their order.
std::string fault_of_histogram(const std::string& name, const std::vector<Sample>& samples) {
    std::optional<double> sum;
    std::optional<double> count;
    double bound = -HUGE_VAL;
    double cumulative = 0;
    for (const auto& sample : samples) {
        if (sample.name == name + "_sum") {
            sum = sample.value;
        } else if (sample.name == name + "_count") {
            count = sample.value;
        } else {
            const auto label = sample.labels.find("le");
            const auto next = label == sample.labels.end() ? std::nullopt : parse_value(label->second);
            if (!next || *next <= bound) return "its buckets do not ascend";
            if (sample.value < cumulative) return "its buckets are not cumulative";
            bound = *next;
            cumulative = sample.value;
        }
    }
    if (bound != HUGE_VAL) return "it has no bucket +Inf";
    if (!sum || !count) return "it has no sum or no count";
    return *count == cumulative ? "" : "the bucket +Inf does not hold all of the count";
}

std::string fault_of_samples(const Family& family) {
    std::set<std::pair<std::string, std::map<std::string, std::string>>> seen;
    std::map<std::map<std::string, std::string>, std::vector<Sample>> histograms;
    if (family.samples.empty()) return "has no samples";
    for (const auto& sample : family.samples) {
        if (!seen.emplace(sample.name, sample.labels).second) return "a sample is there twice";
        if (family.type == "histogram") {
            const bool known =
                sample.name == family.name + "_bucket" || sample.name == family.name + "_sum" || sample.name == family.name + "_count";
            if (!known) return "the sample " + sample.name + " is in the wrong place";
            auto labels = sample.labels;
            labels.erase("le");
            histograms[labels].push_back(sample);
        } else if (sample.name != family.name) {
            return "the sample " + sample.name + " is in the wrong place";
        } else if (family.type == "counter" && !(sample.value >= 0)) {
            return "a counter is not negative";
        }
    }
    for (const auto& [labels, samples] : histograms) {
        if (auto fault = fault_of_histogram(family.name, samples); !fault.empty()) return fault;
    }
    return {};
}

}  // namespace

std::string fault_of_metrics(std::string_view text) {
    std::string fault;
    const auto families = parse(text, fault);
    if (!fault.empty()) return fault;
    if (families.empty()) return "there are no metrics";
    for (const auto& family : families) {
        if (family.type != "counter" && family.type != "gauge" && family.type != "histogram") return family.name + ": unknown type";
        for (const auto& found : {fault_of_name(family), fault_of_samples(family)}) {
            if (!found.empty()) return family.name + ": " + found;
        }
    }
    return {};
}

}  // namespace giromq::test
