#include "cli/trace.h"

#include <gtest/gtest.h>

#include <random>

namespace tenon::cli {
namespace {

using link::LibraryEvent;
using Kind = LibraryEvent::Kind;

const std::string kFirst = "tenon trace 1\n";

/// The message of a failure; "" for none.
std::string failure(const std::string& text) {
  const auto events = parse_trace(text);
  return events ? "" : events.error().message;
}

TEST(Trace, ReadsWhatIsWritten) {
  std::string every_byte;
  for (int c = 1; c < 256; ++c) {
    every_byte += static_cast<char>(c);
  }
  const std::vector<LibraryEvent> events = {
      {Kind::opened, "main.wasm", "libx.so", "/lib/libx.so", ""},
      {Kind::needed, "libx.so", every_byte, "/" + every_byte, ""},
      {Kind::failed, "", "gone", "", "not there:\n\tat all"},
      {Kind::closed, "a\tb\\n", "c\nd\\\\", "/e", ""},
  };
  std::string text = kFirst;
  for (const LibraryEvent& event : events) {
    text += trace_line(event);
  }
  const auto read = parse_trace(text);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ((*read)[i].kind, events[i].kind);
    EXPECT_EQ((*read)[i].requester, events[i].requester);
    EXPECT_EQ((*read)[i].name, events[i].name);
    EXPECT_EQ((*read)[i].path, events[i].path);
    EXPECT_EQ((*read)[i].message, events[i].message);
  }
  EXPECT_EQ(std::ranges::count(text, '\n'), 5);
}

TEST(Trace, NoEvents) {
  EXPECT_EQ(failure(kFirst), "");
  EXPECT_TRUE(parse_trace(kFirst)->empty());
}

TEST(Trace, SaysWhatIsWrong) {
  EXPECT_NE(failure("").find("no trace"), std::string::npos);
  EXPECT_NE(failure("tenon trace 2\n").find("no trace"), std::string::npos);
  EXPECT_NE(failure("tenon trace 1").find("line 1 is cut off"), std::string::npos);
  EXPECT_NE(failure(kFirst + "opened\ta\tb\t/c").find("line 2 is cut off"), std::string::npos);
  EXPECT_NE(failure(kFirst + "\n").find("line 2 has 1 of at least 4"), std::string::npos);
  EXPECT_NE(failure(kFirst + "opened\ta\tb\n").find("3 of at least 4"), std::string::npos);
  EXPECT_NE(failure(kFirst + "opened\ta\tb\t/c\td\te\n").find("more than 5"), std::string::npos);
  EXPECT_NE(failure(kFirst + "loaded\ta\tb\t/c\n").find("begins with `loaded`"), std::string::npos);
  EXPECT_NE(failure(kFirst + "opened\ta\t\t/c\n").find("no library's name"), std::string::npos);
  EXPECT_NE(failure(kFirst + "opened\ta\tb\t/c\\x00d\n").find("no file can have"), std::string::npos);
  EXPECT_NE(failure(kFirst + "opened\ta\tb\\x00\t/c\n").find("name"), std::string::npos);
  for (const char* const field : {"\\", "\\q", "\\x", "\\x1", "\\xg0", "\\x1G", "a\rb", "\x7f"}) {
    EXPECT_NE(failure(kFirst + "opened\t" + field + "\tb\t/c\n").find("line 2, field 2"), std::string::npos) << field;
  }
}

TEST(Trace, LongFieldsAreCutByTheWriterAndRefusedByTheReader) {
  const LibraryEvent event{Kind::failed, "r", std::string(5000, '\x01'), "", std::string(100000, 'm')};
  const auto read = parse_trace(kFirst + trace_line(event));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->front().name, std::string(4096, '\x01'));
  EXPECT_EQ(read->front().message, std::string(4096, 'm'));
  EXPECT_NE(failure(kFirst + "opened\t" + std::string(4097, 'a') + "\tb\t/c\n"), "");
  EXPECT_NE(failure(kFirst + "opened\t" + std::string(1000000, 'a') + "\n").find("longer than"), std::string::npos);
}

TEST(Trace, TooManyEvents) {
  std::string text = kFirst;
  for (int i = 0; i < 1'000'001; ++i) {
    text += "closed\ta\tb\t\n";
  }
  const auto read = parse_trace(text);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::limit);
}

TEST(Trace, CutAnywhereAndChangedAnywhere) {
  const std::string whole = kFirst + trace_line({Kind::opened, "main\n", "a\tb", "/c", "d"}) +
                            trace_line({Kind::failed, "", "\x01", "", "why"});
  std::mt19937 random(1);
  for (size_t i = 0; i < whole.size(); ++i) {
    const auto cut = parse_trace(whole.substr(0, i));
    EXPECT_EQ(cut.has_value(), i != 0 && whole[i - 1] == '\n') << i;
    for (int times = 0; times < 50; ++times) {
      std::string changed = whole;
      changed[i] = static_cast<char>(random());
      (void)parse_trace(changed);
    }
  }
}

}  // namespace
}  // namespace tenon::cli
