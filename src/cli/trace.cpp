#include "cli/trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "cli/output.h"

namespace tenon::cli {

namespace {

using link::LibraryEvent;
using Kind = LibraryEvent::Kind;

constexpr std::string_view kFirstLine = "tenon trace 1";
constexpr size_t kLongestField = 4096;  // bytes, without escapes: as paths and names of libraries
constexpr size_t kLongestLine = 8 + 4 * (4 * kLongestField + 1);
constexpr size_t kMostEvents = 1'000'000;
constexpr size_t kLargestFile = size_t{64} << 20;
constexpr size_t kLeastFields = 4;
constexpr size_t kMostFields = 5;

struct KindName {
  Kind kind;
  std::string_view name;
};
constexpr auto kKindNames = std::to_array<KindName>(
    {{Kind::opened, "opened"}, {Kind::needed, "needed"}, {Kind::closed, "closed"}, {Kind::failed, "failed"}});

void append_field(std::string& line, std::string_view field) {
  line += '\t';
  for (const char c : field.substr(0, kLongestField)) {
    if (c == '\t') {
      line += "\\t";
    } else if (c == '\n') {
      line += "\\n";
    } else if (c == '\\') {
      line += "\\\\";
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
      line += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      line += c;
    }
  }
}

std::optional<unsigned> hexadecimal_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? std::optional<unsigned>(c - 'a' + 10) : std::nullopt;
}

/// Takes the escapes out of a field; nothing when it is not what a writer writes.
std::optional<std::string> unescape(std::string_view field) {
  std::string text;
  for (size_t i = 0; i < field.size(); ++i) {
    char c = field[i];
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
      return std::nullopt;
    }
    if (c == '\\') {
      if (++i == field.size()) {
        return std::nullopt;
      }
      switch (field[i]) {
        case 't':
          c = '\t';
          break;
        case 'n':
          c = '\n';
          break;
        case '\\':
          break;
        case 'x': {
          const auto high = i + 2 < field.size() ? hexadecimal_digit(field[i + 1]) : std::nullopt;
          const auto low = high ? hexadecimal_digit(field[i + 2]) : std::nullopt;
          if (!low) {
            return std::nullopt;
          }
          c = static_cast<char>(*high << 4 | *low);
          i += 2;
          break;
        }
        default:
          return std::nullopt;
      }
    }
    text += c;
  }
  return text.size() <= kLongestField ? std::optional(std::move(text)) : std::nullopt;
}

Result<LibraryEvent> parse_line(std::string_view line, size_t number) {
  std::array<std::string, kMostFields> fields;
  size_t count = 0;
  for (std::string_view rest = line;;) {
    const size_t end = rest.find('\t');
    if (count == kMostFields) {
      return fail(ErrorKind::malformed, "line {} has more than {} fields", number, kMostFields);
    }
    auto field = unescape(rest.substr(0, end));
    if (!field) {
      return fail(ErrorKind::malformed, "line {}, field {}: too long, or escaped as no trace is", number, count + 1);
    }
    fields[count++] = *std::move(field);
    if (end == std::string_view::npos) {
      break;
    }
    rest.remove_prefix(end + 1);
  }
  if (count < kLeastFields) {
    return fail(ErrorKind::malformed, "line {} has {} of at least {} fields", number, count, kLeastFields);
  }
  const auto kind = std::ranges::find(kKindNames, std::string_view(fields[0]), &KindName::name);
  if (kind == kKindNames.end()) {
    return fail(ErrorKind::malformed, "line {} begins with `{}`; an event is opened, needed, closed or failed", number,
                escaped(fields[0].substr(0, 40)));
  }
  LibraryEvent event{kind->kind, std::move(fields[1]), std::move(fields[2]), std::move(fields[3]),
                     std::move(fields[4])};
  if (event.name.empty() || event.name.contains('\0')) {
    return fail(ErrorKind::malformed, "line {} has no library's name", number);
  }
  if (event.path.contains('\0')) {
    return fail(ErrorKind::malformed, "line {} has a path that no file can have", number);
  }
  return event;
}

/// The whole of a file; at most one byte more than a trace may have.
Result<std::string> read_text(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return fail(errno == ENOENT ? ErrorKind::not_found : ErrorKind::io, "cannot open {}: {}", escaped(path),
                strerror(errno));
  }
  std::string text;
  std::array<char, 65536> buffer;
  ssize_t count = 0;
  do {
    count = read(descriptor, buffer.data(), buffer.size());
    text.append(buffer.data(), static_cast<size_t>(std::max<ssize_t>(count, 0)));
  } while ((count > 0 && text.size() <= kLargestFile) || (count < 0 && errno == EINTR));
  const int error = count < 0 ? errno : 0;
  close(descriptor);
  if (error != 0) {
    return fail(ErrorKind::io, "cannot read {}: {}", escaped(path), strerror(error));
  }
  return text;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(descriptor, text.data(), text.size());
    if (count < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  }
  return true;
}

}  // namespace

std::string trace_line(const LibraryEvent& event) {
  std::string line(std::ranges::find(kKindNames, event.kind, &KindName::kind)->name);
  append_field(line, event.requester);
  append_field(line, event.name);
  append_field(line, event.path);
  if (!event.message.empty()) {
    append_field(line, event.message);
  }
  return line + "\n";
}

Result<std::vector<LibraryEvent>> parse_trace(std::string_view text) {
  if (text.size() > kLargestFile) {
    return fail(ErrorKind::limit, "a trace may have {} bytes", kLargestFile);
  }
  std::vector<LibraryEvent> events;
  for (size_t number = 1; !text.empty() || number == 1; ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (number == 1 && line != kFirstLine) {
      return fail(ErrorKind::malformed, "no trace: its first line is not `{}`", kFirstLine);
    }
    if (end == std::string_view::npos) {
      return fail(ErrorKind::malformed, "line {} is cut off", number);
    }
    if (line.size() > kLongestLine) {
      return fail(ErrorKind::malformed, "line {} is longer than {} bytes", number, kLongestLine);
    }
    if (number > 1) {
      if (events.size() == kMostEvents) {
        return fail(ErrorKind::limit, "a trace may have {} events", kMostEvents);
      }
      events.push_back(TENON_TRY(parse_line(line, number)));
    }
    text.remove_prefix(end + 1);
  }
  return events;
}

Result<std::vector<LibraryEvent>> read_trace(const std::string& path) {
  const std::string text = TENON_TRY(read_text(path));
  auto events = parse_trace(text);
  if (!events) {
    return fail(events.error().kind, "{}: {}", escaped(path), events.error().message);
  }
  return events;
}

Result<std::unique_ptr<TraceWriter>> TraceWriter::create(const std::string& path) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    return fail(ErrorKind::io, "cannot write to {}: {}", escaped(path), strerror(errno));
  }
  std::unique_ptr<TraceWriter> writer(new TraceWriter(descriptor, path));
  if (!write_all(descriptor, std::string(kFirstLine) + "\n")) {
    return fail(ErrorKind::io, "cannot write to {}: {}", escaped(path), strerror(errno));
  }
  return writer;
}

TraceWriter::~TraceWriter() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

void TraceWriter::write(const LibraryEvent& event) {
  if (descriptor_ >= 0 && !write_all(descriptor_, trace_line(event))) {
    complain("cannot write to {}: {}; the trace ends here", escaped(path_), strerror(errno));
    close(descriptor_);
    descriptor_ = -1;
  }
}

}  // namespace tenon::cli
