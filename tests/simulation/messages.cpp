#include "simulation/messages.hpp"

#include <string>
#include <vector>

#include "model/amqp_writer.hpp"
#include "selector/amqp_message.hpp"

namespace giromq::simulation {
namespace {

constexpr std::uint64_t colours = 4;

std::string colour_of(std::uint64_t tag) { return "c" + std::to_string(tag % colours); }

}  // namespace

SharedBytes bytes_of(std::uint64_t tag) {
    std::vector<std::uint8_t> bytes;
    codec::Writer writer(bytes);
    writer.descriptor(0x74);
    const auto map = writer.begin_map();
    writer.string("tag");
    writer.string(std::to_string(tag));
    writer.string("colour");
    writer.string(colour_of(tag));
    writer.end(map, 4);
    writer.descriptor(0x77);
    writer.string("{\"colour\":\"" + colour_of(tag) + "\"}");
    return SharedBytes::copy_of(std::string(bytes.begin(), bytes.end()));
}

std::uint64_t tag_of(const Message& message) {
    const std::vector<std::string_view> names{"tag"};
    std::vector<selector::Value> values(1);
    const selector::AmqpMessage view(message);
    view.properties(names, values);
    return std::stoull(std::string(std::get<std::string_view>(values[0])));
}

std::string_view text_of(Selects selects) {
    switch (selects) {
        case Selects::all: return {};
        case Selects::one_colour: return "colour = 'c1'";
        case Selects::two_colours: return "colour IN ('c0', 'c2')";
        case Selects::not_a_colour: return "colour <> 'c3'";
        case Selects::one_body: return "JSON('/colour') = 'c1'";
        case Selects::not_a_body: return "JSON('/colour') <> 'c0'";
    }
    return {};
}

bool should_select(Selects selects, std::uint64_t tag, bool large) {
    const auto colour = tag % colours;
    switch (selects) {
        case Selects::all: return true;
        case Selects::one_colour: return colour == 1;
        case Selects::two_colours: return colour == 0 || colour == 2;
        case Selects::not_a_colour: return colour != 3;
        case Selects::one_body: return !large && colour == 1;
        case Selects::not_a_body: return !large && colour != 0;
    }
    return false;
}

}  // namespace giromq::simulation
