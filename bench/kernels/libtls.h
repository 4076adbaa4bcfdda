#pragma once

#define EXPORT __attribute__((visibility("default")))

EXPORT int loop_tls_own(int rounds);       // static thread-local variables
EXPORT int loop_tls_exported(int rounds);  // thread-local variables that another library may replace
EXPORT int loop_tls_none(int rounds);      // static variables
