#include "tx/unit_of_work.hpp"

namespace giromq::tx {

void UnitOfWork::then(Effect effect) {
    if (!first_) {
        first_ = std::move(effect);
    } else {
        more_.push_back(std::move(effect));
    }
}

void UnitOfWork::settle(const store::UnitResult& result) {
    if (first_) first_(result);
    for (auto& effect : more_) effect(result);
}

}  // namespace giromq::tx
