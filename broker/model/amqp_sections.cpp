#include "model/amqp_sections.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/utf8.hpp"

namespace giromq::codec {
namespace {

/// The head is at most 64 KiB, so only arrays of elements without width can have more elements than this.
constexpr StructureLimits head_structure{.depth = 32, .elements = limits::message_head_bytes};

/// Reads the descriptor at the start of a section without needing the section itself.
ReadStatus read_section_code(std::span<const std::uint8_t> bytes, std::uint64_t& code) {
    if (bytes.empty()) return ReadStatus::truncated;
    if (bytes[0] != 0x00) return ReadStatus::malformed;
    Reader reader(bytes.subspan(1));
    Value descriptor;
    const ReadStatus status = reader.next(descriptor);
    if (status != ReadStatus::ok) return status;
    code = descriptor_code(descriptor.encoded);
    return code >= static_cast<std::uint64_t>(Section::header) && code <= static_cast<std::uint64_t>(Section::footer)
               ? ReadStatus::ok
               : ReadStatus::malformed;
}

Value* field_of(MessageHead& head, Section section) {
    switch (section) {
        case Section::header: return &head.header;
        case Section::delivery_annotations: return &head.delivery_annotations;
        case Section::message_annotations: return &head.message_annotations;
        case Section::properties: return &head.properties;
        case Section::application_properties: return &head.application_properties;
        default: return nullptr;
    }
}

bool has_right_kind(Section section, Kind kind) {
    const bool is_list = section == Section::header || section == Section::properties;
    return kind == (is_list ? Kind::list : Kind::map);
}

}  // namespace

HeadStatus read_head(std::span<const std::uint8_t> bytes, bool is_whole, MessageHead& head) {
    head = MessageHead{};
    std::size_t at = 0;
    std::optional<std::size_t> bare_offset;
    std::uint64_t last = 0;
    const auto short_of_bytes = [&] {
        if (is_whole) return HeadStatus::malformed;
        return bytes.size() >= limits::message_head_bytes ? HeadStatus::too_large : HeadStatus::incomplete;
    };
    while (true) {
        if (at == bytes.size() && is_whole) break;
        std::uint64_t code = 0;
        const ReadStatus status = read_section_code(bytes.subspan(at), code);
        if (status == ReadStatus::malformed) return HeadStatus::malformed;
        if (status == ReadStatus::truncated) return short_of_bytes();
        const auto section = static_cast<Section>(code);
        if (!bare_offset && section >= Section::properties) bare_offset = at;
        if (section >= Section::data) break;
        if (code <= last) return HeadStatus::malformed;
        last = code;
        Reader reader(bytes.subspan(at));
        Value& value = *field_of(head, section);
        const ReadStatus section_status = reader.next(value);
        if (section_status == ReadStatus::malformed) return HeadStatus::malformed;
        if (section_status == ReadStatus::truncated) return short_of_bytes();
        if (!has_right_kind(section, value.kind) || check_structure(value, head_structure) != Structure::ok) return HeadStatus::malformed;
        at += value.encoded.size();
        if (at > limits::message_head_bytes) return HeadStatus::too_large;
    }
    head.bare_offset = bare_offset.value_or(at);
    head.body_offset = at;
    return HeadStatus::complete;
}

ReadStatus BodyCheck::begin_section(std::span<const std::uint8_t> bytes, std::size_t& head_bytes) {
    std::uint64_t code = 0;
    const ReadStatus status = read_section_code(bytes, code);
    if (status != ReadStatus::ok) return status;
    const auto section = static_cast<Section>(code);
    if (section < Section::data || last_section_ == static_cast<std::uint64_t>(Section::footer)) return ReadStatus::malformed;
    // Data and sequences may repeat, but not mix (§3.2).
    const bool may_repeat = section == Section::data || section == Section::amqp_sequence;
    if (last_section_ != 0 && section != Section::footer && !(may_repeat && code == last_section_)) return ReadStatus::malformed;
    const Extent extent = read_extent(bytes);
    if (extent.status != ReadStatus::ok) return extent.status;
    const bool right_kind = section == Section::amqp_value || (section == Section::data && extent.kind == Kind::binary) ||
                            (section == Section::amqp_sequence && extent.kind == Kind::list) ||
                            (section == Section::footer && extent.kind == Kind::map);
    if (!right_kind) return ReadStatus::malformed;
    head_bytes = extent.head;
    skip_ = extent.total - extent.head;
    last_section_ = code;
    return ReadStatus::ok;
}

bool BodyCheck::consume(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        if (skip_ > 0) {
            const std::size_t skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
            skip_ -= skipped;
            bytes = bytes.subspan(skipped);
            continue;
        }
        // A section's beginning may be split over pieces: collect it, and forget what was taken too much.
        const std::size_t before = pending_size_;
        const std::size_t taken = std::min(bytes.size(), pending_.size() - before);
        std::copy_n(bytes.begin(), taken, pending_.begin() + static_cast<std::ptrdiff_t>(before));
        pending_size_ += taken;
        std::size_t head_bytes = 0;
        const ReadStatus status = begin_section(std::span(pending_).first(pending_size_), head_bytes);
        if (status == ReadStatus::malformed) return false;
        if (status == ReadStatus::truncated) {
            if (pending_size_ == pending_.size()) return false;
            return true;
        }
        pending_size_ = 0;
        bytes = bytes.subspan(head_bytes - before);
    }
    return true;
}

std::optional<Value> find_in_map(const Value& map, std::string_view key) {
    if (map.kind != Kind::map) return std::nullopt;
    MapReader reader(map);
    Value name;
    Value value;
    while (reader.read(name, value)) {
        if (name.is_text(key)) return value;
    }
    return std::nullopt;
}

std::string to_utf8(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const std::string_view before = text;
        if (take_code_point(text)) {
            result += before.substr(0, before.size() - text.size());
        } else {
            result += "\xef\xbf\xbd";
            text.remove_prefix(1);
        }
    }
    return result;
}

std::string render_uuid(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result;
    for (std::size_t index = 0; index < bytes.size(); ++index) {
        if (index == 4 || index == 6 || index == 8 || index == 10) result += '-';
        result += digits[bytes[index] >> 4U];
        result += digits[bytes[index] & 0x0fU];
    }
    return result;
}

std::optional<std::string> render(const Value& value) {
    if (value.is_text()) return to_utf8(value.text());
    if (value.is_unsigned()) return std::to_string(value.bits);
    if (value.is_signed()) return std::to_string(value.as_signed());
    if (value.kind == Kind::uuid) return render_uuid(value.content);
    return std::nullopt;
}

}  // namespace giromq::codec
