// Debian's build of Lua writes this header: where modules are, which the tests say themselves.
#pragma once
#define DEB_HOST_MULTIARCH "none"
