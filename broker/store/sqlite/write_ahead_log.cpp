#include "store/sqlite/write_ahead_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "store/errc.hpp"
#include "store/sqlite/files.hpp"

namespace giromq::store::sqlite {
namespace {

constexpr std::size_t header_bytes = 32;
constexpr std::size_t salts_bytes = 8;
constexpr std::size_t bytes_at_once = 1024 * 1024;

using HeaderBytes = std::array<std::uint8_t, header_bytes>;

std::uint32_t big_endian(const std::uint8_t* bytes) {
    return (std::uint32_t{bytes[0]} << 24U) | (std::uint32_t{bytes[1]} << 16U) | (std::uint32_t{bytes[2]} << 8U) | std::uint32_t{bytes[3]};
}

std::uint32_t little_endian(const std::uint8_t* bytes) {
    return (std::uint32_t{bytes[3]} << 24U) | (std::uint32_t{bytes[2]} << 16U) | (std::uint32_t{bytes[1]} << 8U) | std::uint32_t{bytes[0]};
}

/// The checksum of the log, over pairs of 32-bit words.
struct Checksum {
    std::uint32_t first = 0;
    std::uint32_t second = 0;

    static Checksum stored_at(const std::uint8_t* bytes) { return {big_endian(bytes), big_endian(bytes + 4)}; }
    /// `count` is a multiple of 8.
    void add(const std::uint8_t* bytes, std::size_t count, bool of_big_endian_words) {
        if (of_big_endian_words) {
            add_words<big_endian>(bytes, count);
        } else {
            add_words<little_endian>(bytes, count);
        }
    }
    template <std::uint32_t (*word)(const std::uint8_t*)>
    void add_words(const std::uint8_t* bytes, std::size_t count) {
        for (const auto* const end = bytes + count; bytes != end; bytes += 8) {
            first += word(bytes) + second;
            second += word(bytes + 4) + first;
        }
    }
    friend bool operator==(const Checksum&, const Checksum&) = default;
};

/// The header, as far as it is of use here.
struct Header {
    HeaderBytes bytes{};
    std::uint32_t page_bytes = 0;
    bool has_big_endian_words = false;

    const std::uint8_t* salts() const { return &bytes[16]; }
    Checksum checksum() const { return Checksum::stored_at(&bytes[24]); }
    std::size_t frame_bytes() const { return frame_header_bytes + page_bytes; }
};

/// The header in `bytes`; nothing if it is none that SQLite would believe.
std::optional<Header> parse(const HeaderBytes& bytes) {
    Header header;
    header.bytes = bytes;
    header.page_bytes = big_endian(&bytes[8]);
    header.has_big_endian_words = (bytes[3] & 1U) != 0;
    const auto page = header.page_bytes;
    if ((big_endian(bytes.data()) & 0xFFFFFFFEU) != 0x377F0682U || page < 512 || page > 65536 || (page & (page - 1)) != 0) return {};
    Checksum sum;
    sum.add(bytes.data(), 24, header.has_big_endian_words);
    return sum == header.checksum() ? std::optional(header) : std::nullopt;
}

/// The first bytes of the file; zeros where it has none.
Result<HeaderBytes> read_header(const FileHandle& file) {
    HeaderBytes bytes{};
    const auto got = read_at(file.get(), bytes.data(), bytes.size(), 0);
    if (!got.ok()) return got.error();
    return *got == bytes.size() ? bytes : HeaderBytes{};
}

bool is_empty(const HeaderBytes& bytes) { return bytes == HeaderBytes{}; }

/// Looks at the frames one after the other.
class FrameCheck {
public:
    explicit FrameCheck(const Header& header) : header_(header), previous_(header.checksum()) {}

    /// False if nothing of this log can follow.
    bool add(const std::uint8_t* frame) {
        ++count_;
        Checksum sum = previous_;
        // What the frame before has stored, even if it is not what it should be: so the chain is found again behind a damaged frame.
        previous_ = Checksum::stored_at(frame + 16);
        if (std::memcmp(frame + 8, header_.salts(), salts_bytes) != 0) {
            // Of an earlier log, or its salts are damaged, or it was never written although later ones were.
            note_broken();
            return ++foreign_in_a_row_ < foreign_max;
        }
        foreign_in_a_row_ = 0;
        sum.add(frame, 8, header_.has_big_endian_words);
        sum.add(frame + frame_header_bytes, header_.page_bytes, header_.has_big_endian_words);
        const bool matches = sum == previous_ && big_endian(frame) != 0;
        const bool ends_a_commit = big_endian(frame + 4) != 0;
        const bool is_first_broken = !matches && !broken_at_;
        if (!matches) note_broken();
        if (ends_a_commit && broken_at_ && (matches || is_first_broken)) ++commits_from_there_;
        return true;
    }

    /// The number of the frame with which a whole commit was lost.
    std::optional<std::uint64_t> lost_commit_at() const { return commits_from_there_ >= 2 ? broken_at_ : std::nullopt; }

private:
    /// More than a torn write or a damaged sector can make of frames of this log.
    static constexpr int foreign_max = 256;

    void note_broken() {
        if (!broken_at_) broken_at_ = count_;
    }

    const Header& header_;
    Checksum previous_;
    std::uint64_t count_ = 0;
    std::optional<std::uint64_t> broken_at_;
    std::uint64_t commits_from_there_ = 0;
    int foreign_in_a_row_ = 0;
};

/// Hands the frames, one MiB of them at a time, to `part(bytes, count, offset)`, until it returns false or the file ends.
template <typename Part>
Result<void> for_each_part(const FileHandle& file, const Header& header, Part part) {
    std::vector<std::uint8_t> buffer(std::max<std::size_t>(1, bytes_at_once / header.frame_bytes()) * header.frame_bytes());
    for (std::uint64_t offset = header_bytes;; offset += buffer.size()) {
        const auto got = read_at(file.get(), buffer.data(), buffer.size(), offset);
        if (!got.ok()) return got.error();
        const auto goes_on = part(buffer.data(), *got / header.frame_bytes() * header.frame_bytes(), offset);
        if (!goes_on.ok()) return goes_on.error();
        if (!*goes_on || *got < buffer.size()) return {};
    }
}

Error damaged(const std::string& path, const std::string& where) {
    return Error(errc::damaged,
                 path + ": " + where +
                     "; commits that were acknowledged cannot be read. Nothing was changed: copy the data directory, look at "
                     "the disk, and restore a backup");
}

}  // namespace

Result<bool> has_log(const std::string& path) {
    if (!exists(path)) return false;
    const auto file = open_file(path, O_RDONLY);
    if (!file.ok()) return file.error();
    const auto bytes = read_header(*file);
    if (!bytes.ok()) return bytes.error();
    return !is_empty(*bytes);
}

Result<void> grow_log(const std::string& path, std::uint64_t bytes) {
    const auto file = open_file(path, O_RDWR | O_CREAT);
    if (!file.ok()) return file.error();
    struct stat information {};
    if (::fstat(file->get(), &information) != 0) return system_error("asking for the size of " + path, errno);
    auto size = static_cast<std::uint64_t>(information.st_size);
    if (size >= bytes) return {};
    const std::vector<std::uint8_t> zeros(bytes_at_once);
    while (size < bytes) {
        const auto count = std::min<std::uint64_t>(zeros.size(), bytes - size);
        if (const int number = write_all(file->get(), zeros.data(), count, size); number != 0) {
            return system_error("growing " + path, number);
        }
        size += count;
    }
    if (::fsync(file->get()) != 0) return system_error("syncing " + path, errno);
    return sync_folder_of(path);
}

Result<void> check_log(const std::string& path) {
    if (!exists(path)) return {};
    const auto file = open_file(path, O_RDONLY);
    if (!file.ok()) return file.error();
    const auto bytes = read_header(*file);
    if (!bytes.ok()) return bytes.error();
    if (is_empty(*bytes)) return {};
    const auto header = parse(*bytes);
    if (!header) return damaged(path, "the header of the write-ahead log is damaged");
    FrameCheck check(*header);
    auto read = for_each_part(*file, *header, [&](const std::uint8_t* frames, std::size_t count, std::uint64_t) -> Result<bool> {
        for (std::size_t at = 0; at < count; at += header->frame_bytes()) {
            if (!check.add(frames + at)) return false;
        }
        return true;
    });
    if (!read.ok()) return read;
    const auto lost = check.lost_commit_at();
    return lost ? damaged(path, "frame " + std::to_string(*lost) + " of the write-ahead log is damaged") : Result<void>();
}

Result<void> rewrite_log(const std::string& path) {
    const auto file = open_file(path, O_RDWR);
    if (!file.ok()) return file.error();
    const auto bytes = read_header(*file);
    if (!bytes.ok()) return bytes.error();
    const auto header = parse(*bytes);
    if (!header) return {};
    if (const int number = write_all(file->get(), bytes->data(), bytes->size(), 0); number != 0) return system_error("rewriting", number);
    // The salts tell what is of this log; the checksums are SQLite's business.
    auto rewritten =
        for_each_part(*file, *header, [&](const std::uint8_t* frames, std::size_t count, std::uint64_t offset) -> Result<bool> {
            std::size_t valid = 0;
            while (valid < count && std::memcmp(frames + valid + 8, header->salts(), salts_bytes) == 0) valid += header->frame_bytes();
            if (const int number = write_all(file->get(), frames, valid, offset); number != 0) return system_error("rewriting", number);
            return valid == count;
        });
    if (!rewritten.ok()) return rewritten;
    if (::fsync(file->get()) != 0) return system_error("syncing " + path, errno);
    return {};
}

}  // namespace giromq::store::sqlite
