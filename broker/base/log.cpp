#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace giromq::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
        case Level::trace: return spdlog::level::trace;
        case Level::debug: return spdlog::level::debug;
        case Level::info: return spdlog::level::info;
        case Level::warning: return spdlog::level::warn;
        case Level::error: return spdlog::level::err;
    }
    return spdlog::level::info;
}

spdlog::logger& logger() {
    // Never destroyed: threads may still log while static objects are torn down.
    static spdlog::logger* const instance = [] {
        auto* made = new spdlog::logger("giromq", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
        made->flush_on(spdlog::level::trace);
        return made;
    }();
    return *instance;
}

bool is_plain(std::string_view value) {
    if (value.empty()) return false;
    for (const char character : value) {
        const auto code = static_cast<unsigned char>(character);
        if (code <= ' ' || code >= 0x7f || character == '"' || character == '=' || character == '\\') return false;
    }
    return true;
}

void append_value(std::string& line, std::string_view value) {
    if (is_plain(value)) {
        line += value;
        return;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    line += '"';
    for (const char character : value) {
        const auto code = static_cast<unsigned char>(character);
        if (character == '"' || character == '\\') {
            line += '\\';
            line += character;
        } else if (character == '\n') {
            line += "\\n";
        } else if (code < ' ' || code == 0x7f) {
            line += "\\x";
            line += digits[code >> 4];
            line += digits[code & 15];
        } else {
            line += character;
        }
    }
    line += '"';
}

}  // namespace

void set_level(Level level) { logger().set_level(to_spdlog(level)); }

bool enabled(Level level) { return logger().should_log(to_spdlog(level)); }

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (!enabled(level)) return;
    std::string line(event);
    for (const auto& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        append_value(line, field.value);
    }
    logger().log(to_spdlog(level), "{}", line);
}

}  // namespace giromq::log
