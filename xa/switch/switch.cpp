#include <dlfcn.h>

#include <cstring>
#include <fstream>
#include <limits>

#include "giromq/exceptions.hpp"
#include "xa/switch/resource_manager.hpp"

namespace giromq::xa_switch {

std::map<int, ResourceManager>& resource_managers() {
    thread_local std::map<int, ResourceManager> all;
    return all;
}

ResourceManager* find(int rmid) {
    const auto found = resource_managers().find(rmid);
    return found == resource_managers().end() ? nullptr : &found->second;
}

std::string& last_error() {
    thread_local std::string text;
    return text;
}

int run(const std::function<int()>& call) {
    try {
        return call();
    } catch (const XAException& exception) {
        last_error() = exception.what();
        return exception.error_code();
    } catch (const std::exception& exception) {
        last_error() = exception.what();
        return XAER_RMERR;
    }
}

namespace {

int fail(int code, const char* why) {
    last_error() = why;
    return code;
}

int not_open() { return fail(XAER_PROTO, "The resource manager is not open in this thread."); }

std::optional<Xid> xid_of(const XID* xid) {
    if (xid == nullptr || xid->formatID < -1 || xid->formatID > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
    if (xid->formatID == -1 || xid->gtrid_length < 1 || xid->gtrid_length > MAXGTRIDSIZE) return std::nullopt;
    if (xid->bqual_length < 0 || xid->bqual_length > MAXBQUALSIZE) return std::nullopt;
    const auto gtrid = static_cast<std::size_t>(xid->gtrid_length);
    return Xid{static_cast<std::int32_t>(xid->formatID), std::string(xid->data, gtrid),
               std::string(xid->data + gtrid, static_cast<std::size_t>(xid->bqual_length))};
}

void put(const Xid& from, XID& to) {
    std::memset(&to, 0, sizeof to);
    to.formatID = from.format_id;
    to.gtrid_length = static_cast<long>(from.global_transaction_id.size());
    to.bqual_length = static_cast<long>(from.branch_qualifier.size());
    const std::string data = from.global_transaction_id + from.branch_qualifier;
    std::memcpy(to.data, data.data(), data.size());
}

/// A call about a branch: `flags` may only be those in `allowed`.
int about(const XID* xid, int rmid, long flags, long allowed, const std::function<int(ResourceManager&, const Xid&)>& call) {
    if ((flags & TMASYNC) != 0) return fail(XAER_ASYNC, "Asynchronous calls are not supported.");
    if ((flags & ~allowed) != 0) return fail(XAER_INVAL, "The call has a flag that it does not know.");
    ResourceManager* const rm = find(rmid);
    if (rm == nullptr) return not_open();
    const std::optional<Xid> branch = xid_of(xid);
    if (!branch) return fail(XAER_INVAL, "The XID is null, or one of its parts has a length that is not allowed.");
    return run([&] { return call(*rm, *branch); });
}

std::string password_of(const OpenString& open) {
    std::ifstream file(open.password_file);
    std::string password;
    if (!std::getline(file, password)) throw JMSException("The password file '" + open.password_file + "' cannot be read.");
    return password;
}

int open_entry(const char* info, int rmid, long flags, bool is_dynamic) {
    if ((flags & TMASYNC) != 0) return fail(XAER_ASYNC, "Asynchronous calls are not supported.");
    if (flags != TMNOFLAGS || info == nullptr) return fail(XAER_INVAL, "xa_open has no flags, and needs an open string.");
    if (find(rmid) != nullptr) return XA_OK;
    if (::strnlen(info, MAXINFOSIZE) == MAXINFOSIZE) return fail(XAER_INVAL, "The open string is too long.");
    std::string problem;
    const std::optional<OpenString> open = parse_open_string(info, problem);
    if (!open) return fail(XAER_INVAL, problem.c_str());
    return run([&] {
        XAConnectionFactory factory(open->url);
        factory.set_option("xa-pipeline", open->pipeline ? "true" : "false");
        ResourceManager rm;
        rm.open = *open;
        rm.is_dynamic = is_dynamic;
        rm.connection = open->user.empty() ? factory.create_xa_connection() : factory.create_xa_connection(open->user, password_of(*open));
        rm.connection->start();
        rm.session = rm.connection->create_xa_session();
        rm.session->xa_resource()->set_transaction_timeout(open->branch_timeout);
        if (is_dynamic) rm.session->set_before_work([rmid] { register_work(rmid); });
        resource_managers().emplace(rmid, std::move(rm));
        return XA_OK;
    });
}

int open_static(char* info, int rmid, long flags) { return open_entry(info, rmid, flags, false); }
int open_dynamic(char* info, int rmid, long flags) { return open_entry(info, rmid, flags, true); }

int close_entry(char* /*info*/, int rmid, long flags) {
    if ((flags & TMASYNC) != 0) return fail(XAER_ASYNC, "Asynchronous calls are not supported.");
    if (flags != TMNOFLAGS) return fail(XAER_INVAL, "xa_close has no flags.");
    ResourceManager* const rm = find(rmid);
    if (rm == nullptr) return XA_OK;
    if (rm->active) return fail(XAER_PROTO, "The thread still works for a branch.");
    return run([&] {
        const auto closing = resource_managers().extract(rmid);
        closing.mapped().session->close();
        closing.mapped().connection->close();
        return XA_OK;
    });
}

int start_entry(XID* xid, int rmid, long flags) {
    return about(xid, rmid, flags, TMJOIN | TMRESUME | TMNOWAIT, [&](ResourceManager& rm, const Xid& branch) {
        rm.session->xa_resource()->start(branch, flags);
        rm.active = branch;
        return XA_OK;
    });
}

int end_entry(XID* xid, int rmid, long flags) {
    return about(xid, rmid, flags, TMSUSPEND | TMMIGRATE | TMSUCCESS | TMFAIL, [&](ResourceManager& rm, const Xid& branch) {
        const bool migrates = (flags & TMMIGRATE) != 0;
        const bool is_active = rm.active == branch;
        try {
            // The switch says TMNOMIGRATE: such an association is suspended all the same (xa_end, XA_NOMIGRATE).
            rm.session->xa_resource()->end(branch, migrates && (flags & TMSUSPEND) != 0 ? flags & ~TMMIGRATE : flags);
        } catch (const XAException& exception) {
            const int code = exception.error_code();
            if (is_active && code != XAER_INVAL && code != XAER_PROTO) rm.active.reset();
            throw;
        }
        if (is_active) rm.active.reset();
        return migrates ? XA_NOMIGRATE : XA_OK;
    });
}

int rollback_entry(XID* xid, int rmid, long flags) {
    return about(xid, rmid, flags, TMNOFLAGS, [](ResourceManager& rm, const Xid& branch) {
        rm.session->xa_resource()->rollback(branch);
        return XA_OK;
    });
}

int prepare_entry(XID* xid, int rmid, long flags) {
    return about(xid, rmid, flags, TMNOFLAGS,
                 [](ResourceManager& rm, const Xid& branch) { return rm.session->xa_resource()->prepare(branch); });
}

int commit_entry(XID* xid, int rmid, long flags) {
    return about(xid, rmid, flags, TMONEPHASE | TMNOWAIT, [&](ResourceManager& rm, const Xid& branch) {
        rm.session->xa_resource()->commit(branch, (flags & TMONEPHASE) != 0);
        return XA_OK;
    });
}

int forget_entry(XID* xid, int rmid, long flags) {
    return about(xid, rmid, flags, TMNOFLAGS, [](ResourceManager& rm, const Xid& branch) {
        rm.session->xa_resource()->forget(branch);
        return XA_OK;
    });
}

int recover_entry(XID* xids, long count, int rmid, long flags) {
    ResourceManager* const rm = find(rmid);
    if (rm == nullptr) return not_open();
    if (count < 0 || count > std::numeric_limits<int>::max() || (xids == nullptr && count > 0)) {
        return fail(XAER_INVAL, "xa_recover has a wrong count, or no room for the XIDs.");
    }
    return run([&] {
        const auto found = rm->session->xa_resource()->recover(flags, static_cast<std::size_t>(count));
        for (std::size_t index = 0; index < found.size(); ++index) put(found[index], xids[index]);
        return static_cast<int>(found.size());
    });
}

int complete_entry(int* /*handle*/, int* /*return_value*/, int /*rmid*/, long /*flags*/) {
    return fail(XAER_PROTO, "There are no asynchronous calls to complete.");
}

using Register = int (*)(int, XID*, long);
using Unregister = int (*)(int, long);

/// A function of the transaction manager: of the program, or of the library that the open string names.
void* function_of_manager(const OpenString& open, const char* name) {
    if (void* const found = ::dlsym(RTLD_DEFAULT, name)) return found;
    void* const library = open.axlib.empty() ? nullptr : ::dlopen(open.axlib.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* const found = library == nullptr ? nullptr : ::dlsym(library, name);
    if (found == nullptr) {
        throw IllegalStateException(std::string("The transaction manager's ") + name +
                                    " was not found; name its library as axlib= in the open string.");
    }
    return found;
}

}  // namespace

void register_work(int rmid) {
    ResourceManager* const rm = find(rmid);
    if (rm == nullptr) throw IllegalStateException("The session is used by another thread than the one that has opened it.");
    XID xid{};
    const auto registers = reinterpret_cast<Register>(function_of_manager(rm->open, "ax_reg"));
    const int code = registers(rmid, &xid, TMNOFLAGS);
    if (code < TM_OK) throw IllegalStateException("The transaction manager has refused ax_reg with the code " + std::to_string(code) + ".");
    const std::optional<Xid> branch = xid_of(&xid);
    if (!branch) {
        // Outside of a global transaction: work of its own kind has sessions of its own kind.
        reinterpret_cast<Unregister>(function_of_manager(rm->open, "ax_unreg"))(rmid, TMNOFLAGS);
        throw IllegalStateException("No global transaction is open in this thread; begin one, or use a session of your own.");
    }
    rm->session->xa_resource()->start(*branch, code == TM_RESUME ? TMRESUME : code == TM_JOIN ? TMJOIN : TMNOFLAGS);
    rm->active = branch;
}

}  // namespace giromq::xa_switch

struct xa_switch_t giromq_xa_switch = {"GiroMQ",
                                       TMNOMIGRATE,
                                       0,
                                       giromq::xa_switch::open_static,
                                       giromq::xa_switch::close_entry,
                                       giromq::xa_switch::start_entry,
                                       giromq::xa_switch::end_entry,
                                       giromq::xa_switch::rollback_entry,
                                       giromq::xa_switch::prepare_entry,
                                       giromq::xa_switch::commit_entry,
                                       giromq::xa_switch::recover_entry,
                                       giromq::xa_switch::forget_entry,
                                       giromq::xa_switch::complete_entry};

struct xa_switch_t giromq_xa_switch_dynamic = {"GiroMQ dynamic",
                                               TMREGISTER | TMNOMIGRATE,
                                               0,
                                               giromq::xa_switch::open_dynamic,
                                               giromq::xa_switch::close_entry,
                                               giromq::xa_switch::start_entry,
                                               giromq::xa_switch::end_entry,
                                               giromq::xa_switch::rollback_entry,
                                               giromq::xa_switch::prepare_entry,
                                               giromq::xa_switch::commit_entry,
                                               giromq::xa_switch::recover_entry,
                                               giromq::xa_switch::forget_entry,
                                               giromq::xa_switch::complete_entry};
