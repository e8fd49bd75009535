#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/amqp_writer.hpp"
#include "selector/program_cache.hpp"
#include "unit/core/broker.hpp"

/// Messages with properties and bodies, and consumers with selectors.
namespace giromq::test {

/// A message with the property `colour`, and a text as its body, by which tests know it.
inline SharedBytes message_bytes(std::string_view colour, std::string_view text) {
    std::vector<std::uint8_t> bytes;
    codec::Writer writer(bytes);
    writer.descriptor(0x74);
    const auto map = writer.begin_map();
    writer.string("colour");
    writer.string(colour);
    writer.end(map, 2);
    writer.descriptor(0x77);
    writer.string(text);
    return SharedBytes::copy_of(std::string(bytes.begin(), bytes.end()));
}

inline SendOptions coloured(std::string_view colour, std::string_view text, SendOptions options = {}) {
    options.bare = message_bytes(colour, text);
    return options;
}

class SelectingBroker : public Broker {
public:
    using Broker::Broker;

    selector::ProgramPtr program(std::string_view text) {
        const auto compiled = programs_.compile(text);
        CPPUNIT_ASSERT_MESSAGE(std::string(text) + (compiled ? "" : compiled.error().to_string()), compiled.ok());
        return *compiled;
    }
    /// A consumer of what the selector selects, with so much credit.
    Taker& take_selected(DestinationId queue, std::string_view text, std::uint64_t credit) {
        core::ConsumerCommand command;
        command.selector = program(text);
        return take(queue, credit, std::move(command));
    }
    /// The same, once it has got what its credit and the queue allow.
    Taker& take_selected_now(DestinationId queue, std::string_view text, std::uint64_t credit) {
        Taker& taker = take_selected(queue, text, credit);
        run();
        return taker;
    }
    Taker& browse_selected(DestinationId queue, std::string_view text, std::uint64_t credit) {
        core::ConsumerCommand command;
        command.mode = core::ConsumerMode::browse;
        command.selector = program(text);
        Taker& taker = take(queue, credit, std::move(command));
        run();
        return taker;
    }
    /// r1 g2 r3 g4 and so on: red and green in turn, or one red in `one_in`.
    DestinationId make_coloured_queue(int messages, int one_in = 2) {
        const auto queue = make_queue("q");
        for (int number = 1; number <= messages; ++number) {
            if ((number - 1) % one_in == 0) {
                stage_coloured(queue, "red", "r" + std::to_string(number));
            } else {
                stage_coloured(queue, "green", "g" + std::to_string(number));
            }
        }
        run();
        return queue;
    }
    SendAnswerPtr stage_coloured(DestinationId queue, std::string_view colour, const std::string& text, SendOptions options = {}) {
        return stage(queue, text, coloured(colour, text, std::move(options)));
    }
    SendAnswerPtr send_coloured(DestinationId queue, std::string_view colour, const std::string& text, SendOptions options = {}) {
        auto answer = stage_coloured(queue, colour, text, std::move(options));
        run();
        return answer;
    }
    void settle_all(Taker& taker) {
        for (const auto& delivery : taker.deliveries) core->settle(taker.id, delivery.position, Accepted{}, {});
        run();
    }

private:
    selector::ProgramCache programs_;
};

inline constexpr std::string_view red = "colour = 'red'";
inline constexpr std::string_view green = "colour = 'green'";
/// Any selector that looks into the body will do; the bodies are JSON strings in those tests.
inline constexpr std::string_view red_body = "JSON('/colour') = 'red'";

}  // namespace giromq::test
