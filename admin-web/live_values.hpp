#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "admin/alarms.hpp"
#include "admin/history.hpp"
#include "admin/operations.hpp"

namespace giromq::admin_web {

/// As schemas/openapi.yaml has them.
boost::json::array alarms_json(const std::vector<admin::Alarm>& alarms);
boost::json::object operation_json(const admin::OperationView& operation);

/// A JSON number with at most two decimals and never an exponent; "null" for what is none.
std::string number_text(double number);

/// EventSample, EventAlarms and EventOperation: what sockets are sent.
std::string sample_event(const admin::Sample& sample);
std::string alarms_event(const std::vector<admin::Alarm>& alarms);
std::string operation_event(const admin::OperationView& operation);

/// The body of GET /api/v1/history, with the chosen series; made piece by piece, since it has up to 36,000 numbers.
std::string history_text(const admin::History::View& view, const std::vector<admin::Series>& chosen);

}  // namespace giromq::admin_web
