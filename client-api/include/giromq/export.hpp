#pragma once

/// Marks what belongs to the programming interface of libgiromq. The library is built with hidden visibility, so that nothing else can be
/// linked against by accident.
#if defined(__GNUC__)
#define GIROMQ_API __attribute__((visibility("default")))
#else
#define GIROMQ_API
#endif
