#include "model/amqp_reader.hpp"

#include <algorithm>
#include <array>

namespace giromq::codec {
namespace {

/// How a constructor byte (§1.2) is followed: by `width` bytes of value, or by a size of `width` bytes and then, for compounds and
/// arrays, by a count of the same width that the size includes.
enum class Shape : std::uint8_t { invalid, fixed, variable, compound, array };

struct Constructor {
    Shape shape = Shape::invalid;
    Kind kind = Kind::null;
    std::uint8_t width = 0;
};

constexpr std::uint8_t described_constructor = 0x00;
/// Descriptors may themselves be described; nobody needs more than this.
constexpr int descriptors_max = 4;

constexpr std::array<Constructor, 256> make_constructors() {
    std::array<Constructor, 256> table{};
    const auto set = [&table](std::uint8_t code, Shape shape, Kind kind, std::uint8_t width) { table[code] = {shape, kind, width}; };
    set(0x40, Shape::fixed, Kind::null, 0);
    set(0x41, Shape::fixed, Kind::boolean, 0);
    set(0x42, Shape::fixed, Kind::boolean, 0);
    set(0x43, Shape::fixed, Kind::uint32, 0);
    set(0x44, Shape::fixed, Kind::uint64, 0);
    set(0x45, Shape::fixed, Kind::list, 0);
    set(0x50, Shape::fixed, Kind::uint8, 1);
    set(0x51, Shape::fixed, Kind::int8, 1);
    set(0x52, Shape::fixed, Kind::uint32, 1);
    set(0x53, Shape::fixed, Kind::uint64, 1);
    set(0x54, Shape::fixed, Kind::int32, 1);
    set(0x55, Shape::fixed, Kind::int64, 1);
    set(0x56, Shape::fixed, Kind::boolean, 1);
    set(0x60, Shape::fixed, Kind::uint16, 2);
    set(0x61, Shape::fixed, Kind::int16, 2);
    set(0x70, Shape::fixed, Kind::uint32, 4);
    set(0x71, Shape::fixed, Kind::int32, 4);
    set(0x72, Shape::fixed, Kind::float32, 4);
    set(0x73, Shape::fixed, Kind::character, 4);
    set(0x74, Shape::fixed, Kind::decimal32, 4);
    set(0x80, Shape::fixed, Kind::uint64, 8);
    set(0x81, Shape::fixed, Kind::int64, 8);
    set(0x82, Shape::fixed, Kind::float64, 8);
    set(0x83, Shape::fixed, Kind::timestamp, 8);
    set(0x84, Shape::fixed, Kind::decimal64, 8);
    set(0x94, Shape::fixed, Kind::decimal128, 16);
    set(0x98, Shape::fixed, Kind::uuid, 16);
    set(0xa0, Shape::variable, Kind::binary, 1);
    set(0xa1, Shape::variable, Kind::string, 1);
    set(0xa3, Shape::variable, Kind::symbol, 1);
    set(0xb0, Shape::variable, Kind::binary, 4);
    set(0xb1, Shape::variable, Kind::string, 4);
    set(0xb3, Shape::variable, Kind::symbol, 4);
    set(0xc0, Shape::compound, Kind::list, 1);
    set(0xc1, Shape::compound, Kind::map, 1);
    set(0xd0, Shape::compound, Kind::list, 4);
    set(0xd1, Shape::compound, Kind::map, 4);
    set(0xe0, Shape::array, Kind::array, 1);
    set(0xf0, Shape::array, Kind::array, 4);
    return table;
}

constexpr std::array<Constructor, 256> constructors = make_constructors();

std::uint64_t read_unsigned(const std::uint8_t* bytes, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t index = 0; index < width; ++index) value = value << 8 | bytes[index];
    return value;
}

/// The number a fixed-width value stands for.
std::uint64_t read_bits(std::uint8_t code, const Constructor& constructor, const std::uint8_t* bytes) {
    if (code == 0x41) return 1;
    if (constructor.width == 0 || constructor.width > 8) return 0;
    const std::uint64_t raw = read_unsigned(bytes, constructor.width);
    const bool is_signed = constructor.kind >= Kind::int8 && constructor.kind <= Kind::int64;
    if (!is_signed || constructor.width == 8) return raw;
    const unsigned shift = 64U - 8U * constructor.width;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(raw << shift) >> shift);
}

/// Reads the part of a value that follows its constructor `code`. On success `used` bytes were taken.
ReadStatus read_body(std::uint8_t code, std::span<const std::uint8_t> bytes, Value& value, std::size_t& used) {
    const Constructor& constructor = constructors[code];
    value.kind = constructor.kind;
    value.count = 0;
    value.bits = 0;
    const std::size_t width = constructor.width;
    if (constructor.shape == Shape::invalid) return ReadStatus::malformed;
    if (bytes.size() < width) return ReadStatus::truncated;
    if (constructor.shape == Shape::fixed) {
        value.content = bytes.first(width);
        value.bits = read_bits(code, constructor, bytes.data());
        used = width;
        return code == 0x56 && value.bits > 1 ? ReadStatus::malformed : ReadStatus::ok;
    }
    const std::uint64_t size = read_unsigned(bytes.data(), width);
    if (constructor.shape == Shape::variable) {
        if (bytes.size() - width < size) return ReadStatus::truncated;
        value.content = bytes.subspan(width, size);
        used = width + size;
        return ReadStatus::ok;
    }
    if (size < width) return ReadStatus::malformed;
    if (bytes.size() - width < size) return ReadStatus::truncated;
    value.count = static_cast<std::uint32_t>(read_unsigned(bytes.data() + width, width));
    value.content = bytes.subspan(2 * width, size - width);
    used = width + size;
    if (constructor.kind == Kind::map && value.count % 2 != 0) return ReadStatus::malformed;
    return ReadStatus::ok;
}

ReadStatus read_value(std::span<const std::uint8_t> bytes, Value& value, std::size_t& used, int descriptors) {
    if (bytes.empty()) return ReadStatus::truncated;
    if (bytes[0] != described_constructor) {
        value.descriptor = {};
        const ReadStatus status = read_body(bytes[0], bytes.subspan(1), value, used);
        ++used;
        if (status == ReadStatus::ok) value.encoded = bytes.first(used);
        return status;
    }
    if (descriptors >= descriptors_max) return ReadStatus::malformed;
    Value descriptor;
    std::size_t descriptor_size = 0;
    ReadStatus status = read_value(bytes.subspan(1), descriptor, descriptor_size, descriptors + 1);
    if (status != ReadStatus::ok) return status;
    std::size_t value_size = 0;
    status = read_value(bytes.subspan(1 + descriptor_size), value, value_size, descriptors + 1);
    if (status != ReadStatus::ok) return status;
    used = 1 + descriptor_size + value_size;
    value.encoded = bytes.first(used);
    value.descriptor = descriptor.encoded;
    return ReadStatus::ok;
}

class StructureCheck {
public:
    explicit StructureCheck(StructureLimits limits) : limits_(limits) {}

    Structure walk(const Value& value, std::uint32_t depth) {
        if (depth > limits_.depth) return Structure::too_deep;
        if (++elements_ > limits_.elements) return Structure::too_many;
        if (value.kind == Kind::array) return walk_array(value, depth);
        if (value.kind != Kind::list && value.kind != Kind::map) return Structure::ok;
        Reader reader(value.content);
        for (std::uint32_t index = 0; index < value.count; ++index) {
            Value element;
            if (!reader.read(element)) return Structure::malformed;
            if (const Structure result = walk(element, depth + 1); result != Structure::ok) return result;
        }
        return reader.at_end() ? Structure::ok : Structure::malformed;
    }

private:
    Structure walk_array(const Value& array, std::uint32_t depth) {
        if (array.count > limits_.elements - elements_) return Structure::too_many;
        ArrayReader reader(array);
        Value element;
        while (reader.read(element)) {
            if (const Structure result = walk(element, depth + 1); result != Structure::ok) return result;
        }
        return reader.ok() ? Structure::ok : Structure::malformed;
    }

    StructureLimits limits_;
    std::uint32_t elements_ = 0;
};

struct NamedSection {
    std::string_view name;
    std::uint64_t code;
};
constexpr NamedSection named_sections[] = {
    {"amqp:header:list", 0x70},
    {"amqp:delivery-annotations:map", 0x71},
    {"amqp:message-annotations:map", 0x72},
    {"amqp:properties:list", 0x73},
    {"amqp:application-properties:map", 0x74},
    {"amqp:data:binary", 0x75},
    {"amqp:amqp-sequence:list", 0x76},
    {"amqp:amqp-value:*", 0x77},
    {"amqp:footer:map", 0x78},
};

}  // namespace

ReadStatus Reader::next(Value& value) {
    std::size_t used = 0;
    const ReadStatus status = read_value(rest_, value, used, 0);
    if (status == ReadStatus::ok) rest_ = rest_.subspan(used);
    return status;
}

ArrayReader::ArrayReader(const Value& array) : rest_(array.content), left_(array.count) {
    for (int descriptors = 0; !rest_.empty() && rest_[0] == described_constructor; ++descriptors) {
        Value descriptor;
        std::size_t used = 0;
        if (descriptors >= descriptors_max || read_value(rest_.subspan(1), descriptor, used, descriptors) != ReadStatus::ok) {
            ok_ = false;
            return;
        }
        if (descriptor_.empty()) descriptor_ = descriptor.encoded;
        rest_ = rest_.subspan(1 + used);
    }
    if (rest_.empty()) {
        // An empty array may leave out its constructor; elements cannot do without.
        ok_ = left_ == 0;
        left_ = 0;
        return;
    }
    constructor_ = rest_[0];
    rest_ = rest_.subspan(1);
    if (constructors[constructor_].shape == Shape::invalid) ok_ = false;
}

bool ArrayReader::read(Value& element) {
    if (!ok_) return false;
    if (left_ == 0) {
        ok_ = rest_.empty();
        return false;
    }
    std::size_t used = 0;
    if (read_body(constructor_, rest_, element, used) != ReadStatus::ok) {
        ok_ = false;
        return false;
    }
    element.descriptor = descriptor_;
    element.encoded = {};  // an element has no constructor of its own, so there are no bytes that stand alone
    rest_ = rest_.subspan(used);
    --left_;
    return true;
}

std::size_t read_fields(const Value& list, std::span<Value> fields) {
    Reader reader(list.content);
    std::size_t found = 0;
    while (found < fields.size() && found < list.count && reader.read(fields[found])) ++found;
    std::fill(fields.begin() + static_cast<std::ptrdiff_t>(found), fields.end(), Value{});
    return found;
}

std::uint64_t descriptor_code(std::span<const std::uint8_t> descriptor) {
    Value value;
    std::size_t used = 0;
    if (read_value(descriptor, value, used, 0) != ReadStatus::ok || value.is_described()) return 0;
    if (value.kind == Kind::uint64) return value.bits;
    if (value.kind != Kind::symbol) return 0;
    for (const NamedSection& section : named_sections) {
        if (section.name == value.text()) return section.code;
    }
    return 0;
}

Structure check_structure(const Value& value, StructureLimits limits) { return StructureCheck(limits).walk(value, 0); }

Extent read_extent(std::span<const std::uint8_t> bytes) {
    Extent extent;
    std::size_t at = 0;
    for (int descriptors = 0; at < bytes.size() && bytes[at] == described_constructor; ++descriptors) {
        Value descriptor;
        std::size_t used = 0;
        if (descriptors >= descriptors_max) return {ReadStatus::malformed, Kind::null, 0, 0};
        extent.status = read_value(bytes.subspan(at + 1), descriptor, used, descriptors);
        if (extent.status != ReadStatus::ok) return extent;
        at += 1 + used;
    }
    extent.status = ReadStatus::truncated;
    if (at >= bytes.size()) return extent;
    const Constructor& constructor = constructors[bytes[at]];
    if (constructor.shape == Shape::invalid) return {ReadStatus::malformed, Kind::null, 0, 0};
    extent.kind = constructor.kind;
    extent.head = at + 1;
    if (constructor.shape == Shape::fixed) {
        extent.total = extent.head + constructor.width;
    } else {
        if (bytes.size() - extent.head < constructor.width) return extent;
        const std::uint64_t size = read_unsigned(bytes.data() + extent.head, constructor.width);
        extent.head += constructor.width;
        extent.total = extent.head + size;
    }
    extent.status = ReadStatus::ok;
    return extent;
}

}  // namespace giromq::codec
