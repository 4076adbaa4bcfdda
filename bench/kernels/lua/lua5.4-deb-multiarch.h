// Debian's build of Lua writes this header: where modules are, of which the bench has none.
#pragma once
#define DEB_HOST_MULTIARCH "none"
