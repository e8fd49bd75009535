#pragma once

#include <map>
#include <string>
#include <string_view>

#include "selector/message_view.hpp"

namespace giromq::selector::test {

/// A message made of values, for tests. Strings in values must live as long as it does.
class MapMessage final : public MessageView {
public:
    std::map<std::string, Value, std::less<>> values;
    std::map<Header, Value> headers;
    Body content;
    mutable int lookups = 0;
    mutable int bodies = 0;

    Value header(Header header) const override {
        const auto found = headers.find(header);
        return found == headers.end() ? Value() : found->second;
    }
    void properties(std::span<const std::string_view> names, std::span<Value> found_values) const override {
        ++lookups;
        for (std::size_t index = 0; index < names.size(); ++index) {
            const auto found = values.find(names[index]);
            if (found != values.end()) found_values[index] = found->second;
        }
    }
    Body body() const override {
        ++bodies;
        return content;
    }

    void set_body(std::string_view bytes) { content = {Body::State::present, bytes}; }
};

}  // namespace giromq::selector::test
