#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

/// Structured logs: one line per event, `time level event key=value …`, the event a snake_case name that never changes, the
/// particulars in fields. Values are quoted and escaped, so that a name from outside cannot forge a line. Never log a secret or a body.
///
///     log::warning("quarantined", {{"queue", name}, {"message", number}, {"reason", "checksum"}});
///
/// Threads: any. Writes to standard error; the level is set once at start.
namespace giromq::log {

enum class Level { trace, debug, info, warning, error };

/// One key=value of a log line.
struct Field {
    std::string_view key;
    std::string value;

    Field(std::string_view name, std::string_view text) : key(name), value(text) {}
    Field(std::string_view name, const std::string& text) : key(name), value(text) {}
    Field(std::string_view name, const char* text) : key(name), value(text) {}
    Field(std::string_view name, bool flag) : key(name), value(flag ? "true" : "false") {}
    template <std::integral Number>
    requires(!std::same_as<Number, bool>) Field(std::string_view name, Number number) : key(name), value(std::to_string(number)) {}
    Field(std::string_view name, double number) : key(name), value(std::to_string(number)) {}
};

void set_level(Level level);
bool enabled(Level level);
void write(Level level, std::string_view event, std::initializer_list<Field> fields);

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
    if (enabled(Level::debug)) write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) { write(Level::info, event, fields); }
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) { write(Level::warning, event, fields); }
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) { write(Level::error, event, fields); }

}  // namespace giromq::log
