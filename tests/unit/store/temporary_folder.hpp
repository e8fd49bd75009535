#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace giromq::store::test {

/// A folder of its own for a test, removed with everything in it at the end.
class TemporaryFolder {
public:
    /// `parent` empty: the system's folder for temporary files.
    explicit TemporaryFolder(const std::string& parent = {}) {
        auto pattern = (parent.empty() ? std::filesystem::temp_directory_path().string() : parent) + "/giromq-test-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder could be made");
        path_ = pattern;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace giromq::store::test
