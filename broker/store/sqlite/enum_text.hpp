#pragma once

#include <string_view>

#include "model/destination.hpp"
#include "model/permission.hpp"
#include "model/user.hpp"

/// How enumerations stand in the columns: as words, so that a person can read the rows. Unknown words read as the first value.
namespace giromq::store::sqlite {

std::string_view text_of(DestinationKind kind);
std::string_view text_of(DestinationOrigin origin);
std::string_view text_of(OverflowPolicy policy);
std::string_view text_of(Role role);
std::string_view text_of(GranteeKind kind);

DestinationKind kind_of(std::string_view text);
DestinationOrigin origin_of(std::string_view text);
OverflowPolicy overflow_of(std::string_view text);
GranteeKind grantee_kind_of(std::string_view text);
Role role_of(std::string_view text);

}  // namespace giromq::store::sqlite
