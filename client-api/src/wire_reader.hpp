#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace giromq::detail {

enum class WireKind : std::uint8_t {
    null,
    boolean,
    ubyte,
    ushort,
    uint,
    ulong,
    byte,
    int16,
    int32,
    int64,
    float32,
    float64,
    character,
    timestamp,
    uuid,
    binary,
    string,
    symbol,
    list,
    map,
    other,  // arrays, decimals
};

/// One AMQP value, pointing into the bytes it was read from.
struct WireValue {
    WireKind kind = WireKind::null;
    std::uint64_t bits = 0;        // integers (sign-extended), boolean, timestamp, the bits of floats
    std::string_view bytes;        // uuid, binary, string, symbol; the elements of list and map
    std::uint32_t count = 0;       // elements of list and map
    std::uint64_t descriptor = 0;  // numeric descriptor, if it is described
    bool described = false;

    bool is_text() const { return kind == WireKind::string || kind == WireKind::symbol; }
    std::int64_t as_signed() const { return static_cast<std::int64_t>(bits); }
};

/// Reads AMQP 1.0 values one after the other without copying. Throws MessageFormatException when the bytes are not AMQP.
class WireReader {
public:
    explicit WireReader(std::string_view bytes) : rest_(bytes) {}

    bool at_end() const { return rest_.empty(); }
    /// What has not been read yet.
    std::string_view rest() const { return rest_; }
    /// The next value; a composite one is skipped as a whole and can be read with a reader of its own over `bytes`.
    WireValue next();

private:
    WireValue next(int depth);
    std::string_view take(std::uint64_t size);
    std::uint64_t unsigned_number(std::size_t size);
    void read_composite(WireValue& value, std::size_t size);

    std::string_view rest_;
};

}  // namespace giromq::detail
