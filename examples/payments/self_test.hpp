#pragma once

#include <iosfwd>

namespace payments {

/// Tests of the parts that need no broker: check digits against published examples, amounts, messages against the schemas, the ledger under
/// redelivery, and that `verify` finds every kind of damage. Prints what failed; true if nothing did.
bool self_test(std::ostream& output);

}  // namespace payments
