// The file that `tenon run --trace` writes, and `tenon ldd` and `tenon graph` read: which libraries a program opened.
//
// Text. The first line is `tenon trace 1`; then a line for each event, fields with tabs between them:
//
//   opened|needed|closed|failed   requester   name   path   message
//
// A backslash stands before what would end a field or a line: \t, \n, \\, and \xNN for other control characters. A
// field that has nothing is empty; the message may be left out. A path is the host's, or as the
// guest named one of its own files.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "link/options.h"

namespace tenon::cli {

/// A line of a trace, newline and all. Fields that are longer than a reader takes are cut.
[[nodiscard]] std::string trace_line(const link::LibraryEvent& event);

/// Reads a trace, which is untrusted. Errors: malformed (names the line), limit.
[[nodiscard]] Result<std::vector<link::LibraryEvent>> parse_trace(std::string_view text);

/// The same from a file. Errors: also not_found, io. They name the file.
[[nodiscard]] Result<std::vector<link::LibraryEvent>> read_trace(const std::string& path);

/// Writes a trace, each event at once: what has happened is in the file however the program ends.
class TraceWriter {
 public:
  /// Makes or replaces the file at `path`. Errors: io.
  [[nodiscard]] static Result<std::unique_ptr<TraceWriter>> create(const std::string& path);
  ~TraceWriter();
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  /// The first failure is complained about; nothing is written after it.
  void write(const link::LibraryEvent& event);

 private:
  TraceWriter(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}

  int descriptor_;
  std::string path_;
};

}  // namespace tenon::cli
