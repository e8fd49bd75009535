// The C switch of libgiromq-xa for Java: what SwitchResource.java declares as native. The library is loaded as a transaction manager loads
// it: by name, with its symbols kept to itself.
#include <dlfcn.h>
#include <giromq-xa/xa.h>
#include <jni.h>

#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int rmid = 1;

struct Library {
    xa_switch_t* calls = nullptr;
    int (*send_text)(int, const char*, const char*) = nullptr;
    int (*receive_text)(int, const char*, long, char*, unsigned long, long*) = nullptr;
    const char* (*last_error)() = nullptr;
    std::string open_string;
};
Library library;

template <typename Function>
void find(void* handle, const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(::dlsym(handle, name));
}

std::string text(JNIEnv* env, jstring from) {
    const char* const bytes = env->GetStringUTFChars(from, nullptr);
    std::string copy = bytes;
    env->ReleaseStringUTFChars(from, bytes);
    return copy;
}

std::vector<char> bytes(JNIEnv* env, jbyteArray from) {
    std::vector<char> copy(static_cast<std::size_t>(env->GetArrayLength(from)));
    env->GetByteArrayRegion(from, 0, static_cast<jsize>(copy.size()), reinterpret_cast<jbyte*>(copy.data()));
    return copy;
}

/// Every thread of Java is a thread of control of its own, and opens the resource manager before its first call; again is allowed.
int open_in_this_thread() { return library.calls->xa_open_entry(library.open_string.data(), rmid, TMNOFLAGS); }

jbyteArray array(JNIEnv* env, const char* data, long size) {
    const auto made = env->NewByteArray(static_cast<jsize>(size));
    env->SetByteArrayRegion(made, 0, static_cast<jsize>(size), reinterpret_cast<const jbyte*>(data));
    return made;
}

}  // namespace

extern "C" {

JNIEXPORT jboolean JNICALL Java_SwitchResource_load(JNIEnv* env, jclass, jstring path, jstring open_string) {
    void* const handle = ::dlopen(text(env, path).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return JNI_FALSE;
    library.calls = static_cast<xa_switch_t*>(::dlsym(handle, "giromq_xa_switch"));
    find(handle, "giromq_xa_send_text", library.send_text);
    find(handle, "giromq_xa_receive_text", library.receive_text);
    find(handle, "giromq_xa_last_error", library.last_error);
    library.open_string = text(env, open_string);
    return library.calls != nullptr && library.send_text != nullptr ? JNI_TRUE : JNI_FALSE;
}

JNIEXPORT jint JNICALL Java_SwitchResource_call(JNIEnv* env, jclass, jint what, jint format_id, jbyteArray gtrid, jbyteArray bqual,
                                                jint flags) {
    if (const int opened = open_in_this_thread(); opened != XA_OK) return opened;
    const auto global = bytes(env, gtrid);
    const auto branch = bytes(env, bqual);
    XID xid{};
    if (global.size() > MAXGTRIDSIZE || branch.size() > MAXBQUALSIZE) return XAER_INVAL;
    xid.formatID = format_id;
    xid.gtrid_length = static_cast<long>(global.size());
    xid.bqual_length = static_cast<long>(branch.size());
    std::memcpy(xid.data, global.data(), global.size());
    std::memcpy(xid.data + global.size(), branch.data(), branch.size());
    // JTA's flags are those of XA.
    const long set = flags;
    switch (what) {
        case 0: return library.calls->xa_start_entry(&xid, rmid, set);
        case 1: return library.calls->xa_end_entry(&xid, rmid, set);
        case 2: return library.calls->xa_prepare_entry(&xid, rmid, set);
        case 3: return library.calls->xa_commit_entry(&xid, rmid, set);
        case 4: return library.calls->xa_rollback_entry(&xid, rmid, set);
        case 5: return library.calls->xa_forget_entry(&xid, rmid, set);
        default: return XAER_INVAL;
    }
}

/// Three elements for each branch: the format id as text in bytes, the global transaction id, the branch qualifier. Null after an error.
JNIEXPORT jobjectArray JNICALL Java_SwitchResource_recovered(JNIEnv* env, jclass, jint flags) {
    if (open_in_this_thread() != XA_OK) return nullptr;
    std::vector<XID> found(100);
    const int count = library.calls->xa_recover_entry(found.data(), static_cast<long>(found.size()), rmid, flags);
    if (count < 0) return nullptr;
    const auto all = env->NewObjectArray(3 * count, env->FindClass("[B"), nullptr);
    for (int index = 0; index < count; ++index) {
        const XID& xid = found[static_cast<std::size_t>(index)];
        const auto format = std::to_string(xid.formatID);
        env->SetObjectArrayElement(all, 3 * index, array(env, format.data(), static_cast<long>(format.size())));
        env->SetObjectArrayElement(all, 3 * index + 1, array(env, xid.data, xid.gtrid_length));
        env->SetObjectArrayElement(all, 3 * index + 2, array(env, xid.data + xid.gtrid_length, xid.bqual_length));
    }
    return all;
}

JNIEXPORT jint JNICALL Java_SwitchResource_send(JNIEnv* env, jclass, jstring queue, jstring body) {
    return library.send_text(rmid, text(env, queue).c_str(), text(env, body).c_str());
}

/// Null if none came.
JNIEXPORT jstring JNICALL Java_SwitchResource_receive(JNIEnv* env, jclass, jstring queue, jint milliseconds) {
    std::vector<char> body(65536);
    long length = -1;
    const int code = library.receive_text(rmid, text(env, queue).c_str(), milliseconds, body.data(), body.size(), &length);
    return code != XA_OK || length < 0 ? nullptr : env->NewStringUTF(body.data());
}

JNIEXPORT jstring JNICALL Java_SwitchResource_lastError(JNIEnv* env, jclass) { return env->NewStringUTF(library.last_error()); }
}
