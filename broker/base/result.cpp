#include "base/result.hpp"

namespace giromq {

std::string Error::to_string() const {
    std::string text = std::string(code_.category().name()) + ": " + code_.message();
    if (!detail_.empty()) text += ": " + detail_;
    return text;
}

}  // namespace giromq
