#pragma once

namespace xa_transfer {

/// Tests what needs neither broker nor database. The exit code; throws what is wrong.
int run_self_test();

}  // namespace xa_transfer
