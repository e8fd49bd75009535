#pragma once

#include <set>
#include <string>

namespace xa_transfer {

/// What a coordinator has decided to commit, on the disk before anybody is told to commit: the one moment at which a global transaction is
/// decided. A transaction that is not in it is rolled back ("presumed abort"), so a rollback is never written.
///
/// A file with a line for each decision. One process at a time: it is locked while it is open.
class DecisionLog {
public:
    /// Opens or makes the file, and has it on the disk as it was read. Throws std::system_error; also if another process has it open.
    explicit DecisionLog(const std::string& path);
    ~DecisionLog();
    DecisionLog(const DecisionLog&) = delete;
    DecisionLog& operator=(const DecisionLog&) = delete;

    /// Returns when the decision is on the disk. If this throws it is not known whether it is: the process must end, and read it again.
    void decide_commit(const std::string& global_id);
    bool is_committed(const std::string& global_id) const { return committed_.contains(global_id); }

    /// Nothing that was decided is in doubt anywhere any more.
    void clear();
    std::size_t size() const { return committed_.size(); }

private:
    void read();
    void sync() const;

    const std::string path_;
    int file_ = -1;
    std::set<std::string> committed_;
};

}  // namespace xa_transfer
