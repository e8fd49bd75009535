#pragma once

#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include "base/check.hpp"
#include "base/errc.hpp"

namespace giromq {

/// An expected refusal: which one (`code`, of some module's errc) and the sentence that tells a person what to do about it.
class [[nodiscard]] Error {
public:
    template <ModuleErrc Errc>
    explicit Error(Errc code, std::string detail = {}) : code_(static_cast<int>(code), errc_category<Errc>()), detail_(std::move(detail)) {}

    const std::error_code& code() const { return code_; }

    /// The particulars: what was being done, to what, and what to do next. May be empty.
    const std::string& detail() const { return detail_; }

    /// "module: text of the code: detail", for logs and people.
    std::string to_string() const;

    template <ModuleErrc Errc>
    bool is(Errc code) const {
        return code_.value() == static_cast<int>(code) && code_.category() == errc_category<Errc>();
    }

private:
    std::error_code code_;
    std::string detail_;
};

/// A value or the Error that explains why there is none. value() on an error is a broken invariant and aborts.
template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return content_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & {
        GIROMQ_CHECK(ok(), "value() of a Result that holds an error");
        return *std::get_if<0>(&content_);
    }
    const T& value() const& {
        GIROMQ_CHECK(ok(), "value() of a Result that holds an error");
        return *std::get_if<0>(&content_);
    }
    T&& value() && {
        GIROMQ_CHECK(ok(), "value() of a Result that holds an error");
        return std::move(*std::get_if<0>(&content_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const Error& error() const {
        GIROMQ_CHECK(!ok(), "error() of a Result that holds a value");
        return *std::get_if<1>(&content_);
    }

private:
    std::variant<T, Error> content_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool ok() const { return !error_.has_value(); }
    explicit operator bool() const { return ok(); }

    const Error& error() const {
        GIROMQ_CHECK(!ok(), "error() of a Result that holds no error");
        return *error_;
    }

private:
    std::optional<Error> error_;
};

}  // namespace giromq
