#include "xa/xid.hpp"

#include <algorithm>
#include <limits>

namespace giromq::xa {

std::optional<Xid> Xid::make(std::int32_t format_id, std::string_view gtrid, std::string_view bqual) {
    if (format_id == null_format || gtrid.empty() || gtrid.size() > gtrid_bytes_max || bqual.size() > bqual_bytes_max) return std::nullopt;
    Xid xid;
    xid.format_id_ = format_id;
    xid.gtrid_length_ = static_cast<std::uint8_t>(gtrid.size());
    xid.bqual_length_ = static_cast<std::uint8_t>(bqual.size());
    const auto rest = std::copy(gtrid.begin(), gtrid.end(), xid.data_.begin());
    std::copy(bqual.begin(), bqual.end(), rest);
    return xid;
}

std::optional<Xid> Xid::from_fields(std::int64_t format_id, std::int64_t gtrid_length, std::int64_t bqual_length, const char* data) {
    using Format = std::numeric_limits<std::int32_t>;
    if (data == nullptr || format_id < Format::min() || format_id > Format::max()) return std::nullopt;
    if (gtrid_length < 1 || gtrid_length > static_cast<std::int64_t>(gtrid_bytes_max)) return std::nullopt;
    if (bqual_length < 0 || bqual_length > static_cast<std::int64_t>(bqual_bytes_max)) return std::nullopt;
    const std::string_view gtrid(data, static_cast<std::size_t>(gtrid_length));
    return make(static_cast<std::int32_t>(format_id), gtrid, {data + gtrid_length, static_cast<std::size_t>(bqual_length)});
}

bool operator==(const Xid& left, const Xid& right) {
    return left.format_id_ == right.format_id_ && left.gtrid_length_ == right.gtrid_length_ && left.data() == right.data();
}

std::strong_ordering operator<=>(const Xid& left, const Xid& right) {
    if (const auto order = left.format_id_ <=> right.format_id_; order != 0) return order;
    if (const auto order = left.gtrid() <=> right.gtrid(); order != 0) return order;
    return left.bqual() <=> right.bqual();
}

}  // namespace giromq::xa

std::size_t std::hash<giromq::xa::Xid>::operator()(const giromq::xa::Xid& xid) const {
    // The place where gtrid ends is part of the key, so that ("ab", "c") and ("a", "bc") differ.
    const std::size_t shape = static_cast<std::uint32_t>(xid.format_id()) * std::size_t{0x9E3779B97F4A7C15} + xid.gtrid().size();
    return std::hash<std::string_view>{}(xid.data()) ^ (shape * std::size_t{0xC2B2AE3D27D4EB4F});
}
