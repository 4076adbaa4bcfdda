// Whatever a trace file holds, reading it ends in events or in an error value; and events that were read are read the
// same again when they are written.
#include <cstdlib>

#include "cli/trace.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenon;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto events = cli::parse_trace(text);
  if (!events) {
    if (events.error().message.empty()) {
      abort();
    }
    return 0;
  }
  std::string written = "tenon trace 1\n";
  for (const link::LibraryEvent& event : *events) {
    written += cli::trace_line(event);
  }
  const auto again = cli::parse_trace(written);
  if (!again || again->size() != events->size()) {
    abort();
  }
  for (size_t i = 0; i < events->size(); ++i) {
    const link::LibraryEvent& a = (*events)[i];
    const link::LibraryEvent& b = (*again)[i];
    if (a.kind != b.kind || a.requester != b.requester || a.name != b.name || a.path != b.path ||
        a.message != b.message) {
      abort();
    }
  }
  return 0;
}
