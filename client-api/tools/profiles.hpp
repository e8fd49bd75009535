#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

/// Brokers by name: `--profile NAME`, from the file `giromq/profiles` in $XDG_CONFIG_HOME or ~/.config.
namespace giromq::tool {

/// The options of a profile, by the names of the environment variables that stand for them.
using Profile = std::map<std::string, std::string>;

/// Reads "[name]" and "key = value" lines, as docs/operations/running.md describes them. `folder`: where files that are not absolute
/// start from. Throws ToolError, with the line, for anything that is not understood in any profile, and if there is none of this name.
Profile read_profile(std::string_view text, const std::string& name, const std::string& folder);

/// What --profile says on the command line, else GIROMQ_PROFILE.
std::optional<std::string> chosen_profile(int argc, const char* const* argv);

/// Puts the profile in the place of the environment: what it leaves open is as if nothing were said, so that the address of one broker is
/// never mixed with the user of another. To be called before anything else runs.
void enter_profile(const std::string& name);

}  // namespace giromq::tool
