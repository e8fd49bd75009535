#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "config/config.hpp"
#include "xml/element.hpp"

namespace giromq::config {

/// The first thing that was wrong while a document was read.
struct Problems {
    std::string source;
    std::optional<Error> first;

    void add(errc code, xml::Position position, std::string_view sentence) {
        if (!first) first = Error(code, source + ":" + xml::at(position, sentence));
    }
};

/// Reads the attributes of one element, which the schema has already validated, into values. An attribute that is not there, or an
/// element that is not there (nullptr), leaves the value as it is. Ranges of sizes and durations come from the schema's options.
class Section {
public:
    /// `path` is the element's among the options: "amqp/listener".
    Section(const xml::Element* element, std::string_view path, Problems& problems) : element_(element), path_(path), problems_(problems) {}

    void text(std::string_view name, std::string& value) const {
        if (const auto* const attribute = find(name)) value = attribute->value;
    }

    void flag(std::string_view name, bool& value) const {
        if (const auto* const attribute = find(name)) value = trimmed(attribute->value) == "true";
    }

    template <typename Number>
    void number(std::string_view name, Number& value) const {
        const auto* const attribute = find(name);
        if (attribute == nullptr) return;
        const auto digits = trimmed(attribute->value);
        Number read{};
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), read);
        if (error == std::errc() && end == digits.data() + digits.size())
            value = read;
        else
            problems_.add(errc::invalid, attribute->position, "write '" + std::string(name) + "' as digits, without a sign");
    }

    template <typename Number>
    void size(std::string_view name, Number& bytes) const {
        const auto* const attribute = find(name);
        if (attribute == nullptr) return;
        const auto read = checked_size(*attribute);
        if (read && *read <= std::numeric_limits<Number>::max())
            bytes = static_cast<Number>(*read);
        else if (read)
            problems_.add(errc::out_of_range, attribute->position, "'" + std::string(name) + "' is too large");
    }

    void duration(std::string_view name, std::chrono::milliseconds& time) const;

    template <typename Enum>
    void choice(std::string_view name, Enum& value, std::span<const std::pair<std::string_view, Enum>> choices) const {
        const auto* const attribute = find(name);
        if (attribute == nullptr) return;
        for (const auto& [word, meaning] : choices) {
            if (word == trimmed(attribute->value)) value = meaning;
        }
    }

    void origin(Origin& value) const {
        if (element_ != nullptr) value = Origin{element_->position.line, element_->position.column};
    }

    const xml::Attribute* find(std::string_view name) const { return element_ == nullptr ? nullptr : element_->attribute(name); }

    static std::string_view trimmed(std::string_view text);

private:
    std::optional<std::uint64_t> checked_size(const xml::Attribute& attribute) const;

    const xml::Element* element_;
    std::string_view path_;
    Problems& problems_;
};

}  // namespace giromq::config
