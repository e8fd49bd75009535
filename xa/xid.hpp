#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "xa/constants.h"

namespace giromq::xa {

/// The identifier of a transaction branch (C193 §4.2): a format, a global transaction identifier of 1 to 64 bytes and a branch
/// qualifier of 0 to 64 bytes, all binary. The whole of it is the key: two branches of one global transaction are two branches.
///
/// A Xid is always valid; one that could not be is never made. It is a value without allocations.
class Xid {
public:
    static constexpr std::size_t gtrid_bytes_max = GIROMQ_XA_GTRID_BYTES_MAX;
    static constexpr std::size_t bqual_bytes_max = GIROMQ_XA_BQUAL_BYTES_MAX;
    /// The formatID that says that an XID is null.
    static constexpr std::int32_t null_format = -1;

    /// Nothing if a length is out of range or the format is that of the null XID; such an XID is answered with XAER_INVAL. (The
    /// comment in the specification's header wants 1 to 64 bytes of branch qualifier; managers that have only one branch send none.)
    static std::optional<Xid> make(std::int32_t format_id, std::string_view gtrid, std::string_view bqual);

    /// The same from the fields of the specification's `struct xid_t`, whose lengths and format are C longs. `data` holds
    /// GIROMQ_XA_XID_DATA_BYTES bytes; no more than the two lengths are read.
    static std::optional<Xid> from_fields(std::int64_t format_id, std::int64_t gtrid_length, std::int64_t bqual_length, const char* data);

    std::int32_t format_id() const { return format_id_; }
    std::string_view gtrid() const { return {data_.data(), gtrid_length_}; }
    std::string_view bqual() const { return {data_.data() + gtrid_length_, bqual_length_}; }
    /// gtrid and bqual, one after the other, as they lie in `xid_t::data`.
    std::string_view data() const { return {data_.data(), static_cast<std::size_t>(gtrid_length_) + bqual_length_}; }

    /// Length-aware and over bytes: by format, then gtrid, then bqual. A recovery scan is in this order.
    friend bool operator==(const Xid& left, const Xid& right);
    friend std::strong_ordering operator<=>(const Xid& left, const Xid& right);

private:
    Xid() = default;

    std::int32_t format_id_ = 0;
    std::uint8_t gtrid_length_ = 0;
    std::uint8_t bqual_length_ = 0;
    std::array<char, GIROMQ_XA_XID_DATA_BYTES> data_{};
};

}  // namespace giromq::xa

template <>
struct std::hash<giromq::xa::Xid> {
    /// Not noexcept, so that the tables of the standard library keep the hash with each XID: without it they hash and compare 130 bytes
    /// again and again when they grow (a start with 100,000 branches takes a sixth less).
    std::size_t operator()(const giromq::xa::Xid& xid) const;
};
