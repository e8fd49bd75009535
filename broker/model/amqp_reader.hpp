#pragma once

#include <cstdint>
#include <span>
#include <string_view>

/// Reads AMQP 1.0 encoded values (part 1, types) where they lie, without copying and without an engine. Every read is bounded by the
/// span it was given; nothing is allocated.
namespace giromq::codec {

/// The primitive types of AMQP 1.0 §1.6.
enum class Kind : std::uint8_t {
    null,
    boolean,
    uint8,
    uint16,
    uint32,
    uint64,
    int8,
    int16,
    int32,
    int64,
    float32,
    float64,
    decimal32,
    decimal64,
    decimal128,
    character,
    timestamp,
    uuid,
    binary,
    string,
    symbol,
    list,
    map,
    array,
};

/// `truncated`: the bytes end inside the value, more of them could make it whole. `malformed`: no more bytes could.
enum class ReadStatus : std::uint8_t { ok, truncated, malformed };

/// One encoded value. The spans point into the bytes that were read.
struct Value {
    Kind kind = Kind::null;
    /// From the constructor to the last byte, the descriptor of a described value included.
    std::span<const std::uint8_t> encoded;
    /// The encoded descriptor; empty for a value that is not described. Of nested descriptors the outermost.
    std::span<const std::uint8_t> descriptor;
    /// Of a variable-width value its bytes; of a list or map the encoded elements; of an array the constructor and the elements; of a
    /// fixed-width value its bytes, big-endian.
    std::span<const std::uint8_t> content;
    /// Elements of a list or an array, keys plus values of a map.
    std::uint32_t count = 0;
    /// The value of a boolean or a fixed-width number of up to 64 bits, sign-extended for the signed kinds.
    std::uint64_t bits = 0;

    bool is_described() const { return !descriptor.empty(); }
    bool is_null() const { return kind == Kind::null; }
    bool is_unsigned() const { return kind >= Kind::uint8 && kind <= Kind::uint64; }
    bool is_signed() const { return kind >= Kind::int8 && kind <= Kind::int64; }
    bool is_text() const { return kind == Kind::string || kind == Kind::symbol; }
    std::int64_t as_signed() const { return static_cast<std::int64_t>(bits); }
    std::string_view text() const { return {reinterpret_cast<const char*>(content.data()), content.size()}; }
    /// True for a symbol or a string with exactly these bytes.
    bool is_text(std::string_view expected) const { return is_text() && text() == expected; }
};

/// A cursor over consecutive encoded values.
class Reader {
public:
    explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

    bool at_end() const { return rest_.empty(); }
    std::span<const std::uint8_t> rest() const { return rest_; }

    /// Reads one value without looking into it (a compound one is skipped by its size). Unless it returns ok, nothing is consumed.
    ReadStatus next(Value& value);

    /// As next(), true only for ok.
    bool read(Value& value) { return next(value) == ReadStatus::ok; }

private:
    std::span<const std::uint8_t> rest_;
};

/// The elements of an array, which share one constructor.
class ArrayReader {
public:
    /// `array` must be of Kind::array.
    explicit ArrayReader(const Value& array);

    /// False at the end, and where the array is malformed (then ok() is false).
    bool read(Value& element);
    bool ok() const { return ok_; }

private:
    std::span<const std::uint8_t> rest_;
    std::span<const std::uint8_t> descriptor_;
    std::uint32_t left_ = 0;
    std::uint8_t constructor_ = 0;
    bool ok_ = true;
};

/// The pairs of a map.
class MapReader {
public:
    /// `map` must be of Kind::map.
    explicit MapReader(const Value& map) : reader_(map.content) {}

    /// False at the end, and where the map is malformed.
    bool read(Value& key, Value& value) { return reader_.read(key) && reader_.read(value); }

private:
    Reader reader_;
};

/// The fields of a list by index, as composite types (§1.4) are encoded: absent trailing fields are null.
/// Returns the number of fields that were there, at most `fields.size()`; the others are set to null.
std::size_t read_fields(const Value& list, std::span<Value> fields);

/// The numeric code of a descriptor that is a ulong, or of one of the symbols that AMQP 1.0 §3.2 gives to message sections.
/// 0 if it is neither.
std::uint64_t descriptor_code(std::span<const std::uint8_t> descriptor);

/// Bounds for check_structure.
struct StructureLimits {
    std::uint32_t depth = 16;
    std::uint32_t elements = 4096;
};

enum class Structure : std::uint8_t { ok, malformed, too_deep, too_many };

/// Walks a value to its leaves: sizes and counts must agree exactly, maps must have pairs, and the bounds must hold (elements of
/// arrays count even if they have no width).
Structure check_structure(const Value& value, StructureLimits limits);

/// The length in bytes of the value at the start of `bytes`, as far as its constructor and its size fields tell: the content need not
/// be there. `head` is the number of bytes before the content. Used to skip bodies that arrive in pieces.
struct Extent {
    ReadStatus status = ReadStatus::truncated;
    Kind kind = Kind::null;
    std::size_t head = 0;
    std::uint64_t total = 0;
};
Extent read_extent(std::span<const std::uint8_t> bytes);

}  // namespace giromq::codec
