#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "rest_client.hpp"

/// What REST answers, as people read it. What comes from the broker is made fit for a terminal.
namespace giromq::tool {

/// A field of an object: a text as it is, a number in digits, a list with commas; empty for null and for what is not there.
std::string field_text(const boost::json::object& object, std::string_view name);

/// The answer's body, which has to be an object. Throws ToolError.
const boost::json::object& object_of(const RestClient::Answer& answer);

struct Column {
    std::string title;
    std::string field;
    int width = 12;  // the last column is as wide as it is
};

/// Shows every item of a list as a row under a head, or with --json as an object a line.
void print_list(const Common& common, const std::string& path, const std::vector<Column>& columns);

/// Shows the rows of a list that is a field of an object.
void print_rows(const boost::json::object& object, std::string_view list, const std::vector<Column>& columns);

/// Shows the fields of an object, one a line, or with --json the object. Objects and lists in it are left to --json.
void print_fields(const Common& common, const boost::json::object& object);

}  // namespace giromq::tool
