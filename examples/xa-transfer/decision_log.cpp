#include "decision_log.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace xa_transfer {
namespace {

[[noreturn]] void throw_errno(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

void sync_folder_of(const std::string& path) {
    auto folder = std::filesystem::path(path).parent_path();
    if (folder.empty()) folder = ".";
    const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) throw_errno(folder);
    const int synced = ::fsync(opened);
    ::close(opened);
    if (synced != 0) throw_errno(folder);
}

}  // namespace

DecisionLog::DecisionLog(const std::string& path)
    : path_(path), file_(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {
    if (file_ < 0) throw_errno(path_);
    try {
        if (::flock(file_, LOCK_EX | LOCK_NB) != 0) throw_errno(path_ + " (does another coordinator of this name run?)");
        read();
        // A line that was read may be in memory only, if the process before this one died in fsync. From here on it is acted upon.
        sync();
        sync_folder_of(path_);
    } catch (...) {
        ::close(file_);
        throw;
    }
}

DecisionLog::~DecisionLog() { ::close(file_); }

void DecisionLog::read() {
    std::ifstream input(path_);
    std::string line;
    // The last line may have been torn by the death of the process: without its end it was never acted upon.
    while (std::getline(input, line) && !input.eof()) {
        if (line.starts_with("commit ")) committed_.insert(line.substr(7));
    }
}

void DecisionLog::sync() const {
    if (::fdatasync(file_) != 0) throw_errno(path_);
}

void DecisionLog::decide_commit(const std::string& global_id) {
    const std::string line = "commit " + global_id + '\n';
    const auto written = ::write(file_, line.data(), line.size());
    if (written < 0) throw_errno(path_);
    if (static_cast<std::size_t>(written) != line.size()) throw std::system_error(ENOSPC, std::generic_category(), path_);
    sync();
    committed_.insert(global_id);
}

void DecisionLog::clear() {
    if (::ftruncate(file_, 0) != 0) throw_errno(path_);
    committed_.clear();
}

}  // namespace xa_transfer
