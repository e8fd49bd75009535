#pragma once

#include <string>
#include <string_view>

namespace giromq::xml {

/// The text as it stands in a document, in an attribute or between tags (XML 1.0 §2.4). White space other than a blank is written as a
/// character reference, since an attribute would be read with blanks in its place (§3.3.3), and line breaks would be made alike (§2.11).
std::string escaped(std::string_view text);

}  // namespace giromq::xml
