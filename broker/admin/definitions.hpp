#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/destination.hpp"
#include "model/permission.hpp"
#include "model/user.hpp"

/// What a broker has besides its configuration file, as values that can be written, compared and applied
/// (schemas/giromq-definitions.xsd). Nothing in here touches a broker.
namespace giromq::admin {

/// In the order in which they are made; what refers to another comes behind it.
enum class DefinitionKind : std::uint8_t { queue, selector, user, permission };
std::string_view to_string(DefinitionKind kind);

/// As they are in the document: {"max-messages": "100"}; a selector has its "text", a user its "role", a permission its "actions".
using DefinitionSettings = std::map<std::string, std::string, std::less<>>;
/// A permission has no name of its own: it is "user anna on payments.#", with all that is granted there.
using DefinitionKey = std::pair<DefinitionKind, std::string>;
using Definitions = std::map<DefinitionKey, DefinitionSettings>;

/// What a document says. A list that it leaves out it says nothing about.
struct DefinitionsDocument {
    Definitions definitions;
    std::set<DefinitionKind> lists;
};

DefinitionSettings definition_of(const DestinationSettings& queue);
/// Errors: invalid_argument, for a number that is out of its range.
Result<DestinationSettings> queue_of(const std::string& name, const DefinitionSettings& settings);
Role role_of(const DefinitionSettings& settings);
/// What is granted to one user or role on one pattern, whoever granted it and in how many steps.
DefinitionKey key_of(const Permission& permission);
Permission permission_of(const std::string& name, const DefinitionSettings& settings);

/// The document, in order of kind and name, so that two of them can be compared line by line. A queue says only what is not as in
/// `defaults`, which the list of queues states. Errors: failed, for what no XML document can hold.
Result<std::string> to_xml(const Definitions& definitions, const DestinationSettings& defaults);

/// Reads a document of at most 4 MiB, strictly. What neither a queue nor the list says is as in `defaults`. Errors: invalid_argument, which
/// says where.
Result<DefinitionsDocument> parse_definitions(std::string_view xml, const DestinationSettings& defaults);

enum class ChangeKind : std::uint8_t { create, update, remove };
std::string_view to_string(ChangeKind kind);  // "create", "update", "delete"

struct Change {
    ChangeKind kind = ChangeKind::create;
    DefinitionKey key;
    DefinitionSettings before;     // empty for create; of an update, what differs
    DefinitionSettings after;      // empty for delete
    std::optional<Error> refused;  // why it was not made, or cannot be
    bool is_made = false;
};

/// What makes `now` into what the document says, in the order in which it can be made; what is known to be refused says so. With `prune`
/// what the document does not name is deleted, except `kept`, and what is in a list that it leaves out.
std::vector<Change> differences(const Definitions& now, const DefinitionsDocument& wanted, bool prune, const std::set<DefinitionKey>& kept);

}  // namespace giromq::admin
