#pragma once

#include "giromq/selector.hpp"
#include "selector/message_view.hpp"

namespace giromq::detail {

/// A message that a program describes, as a selector sees it. The message must outlive it.
class DescribedMessage final : public selector::MessageView {
public:
    explicit DescribedMessage(const SelectorMessage& message) : message_(message) {}

    selector::Value header(selector::Header header) const override;
    void properties(std::span<const std::string_view> names, std::span<selector::Value> values) const override;
    selector::Body body() const override;

private:
    const SelectorMessage& message_;
};

}  // namespace giromq::detail
