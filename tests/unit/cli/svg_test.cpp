#include "cli/svg.h"

#include <gtest/gtest.h>

#include <random>

namespace tenon::cli {
namespace {

const std::string kReplaced = "\xef\xbf\xbd";

TEST(Svg, EscapesMarkupAndControlCharacters) {
  EXPECT_EQ(xml_escaped("<a href=\"x\">'&'</a>]]>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;]]&gt;");
  EXPECT_EQ(xml_escaped(std::string_view("\0\n\t\x1b\x7f", 5)), "\\x00\\x0a\\x09\\x1b\\x7f");
  EXPECT_EQ(xml_escaped("\xc2\x85"), "\\x85");
  EXPECT_EQ(xml_escaped("\xe2\x80\xae\xef\xbb\xbf\xef\xbf\xbf"), kReplaced + kReplaced + kReplaced);
  EXPECT_EQ(xml_escaped("\xc3\xa4\xe5\xba\x93\xf0\x9f\x93\x9a"), "\xc3\xa4\xe5\xba\x93\xf0\x9f\x93\x9a");
}

TEST(Svg, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(xml_escaped("\xff"), kReplaced);
  EXPECT_EQ(xml_escaped("\xc0\xbc"), kReplaced + kReplaced);  // an overlong <
  EXPECT_EQ(xml_escaped("\xe0\x80\xbc"), kReplaced + kReplaced + kReplaced);
  EXPECT_EQ(xml_escaped("\xed\xa0\x80"), kReplaced + kReplaced + kReplaced);  // a surrogate
  EXPECT_EQ(xml_escaped("\xf4\x90\x80\x80"), kReplaced + kReplaced + kReplaced + kReplaced);
  EXPECT_EQ(xml_escaped("a\xe5\xba"), "a" + kReplaced + kReplaced);
}

TEST(Svg, ShortensInTheMiddle) {
  EXPECT_EQ(shortened("libshort.so", 11), "libshort.so");
  EXPECT_EQ(shortened("libverylong.so", 11), "libve\xe2\x80\xa6ng.so");
  EXPECT_EQ(text_columns("\xe5\xba\x93\x01 x"), 8);
  EXPECT_EQ(shortened("\xe5\xba\x93\xe5\xba\x93\xe5\xba\x93\xe5\xba\x93", 5), "\xe5\xba\x93\xe2\x80\xa6\xe5\xba\x93");
}

TEST(Svg, AnyBytesFit) {
  std::mt19937 random(2);
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (size_t length = random() % 30; length > 0; --length) {
      constexpr const char* kPieces[] = {"\xe5\xba\x93", "a", "\x01", "\xf0\x9f", "\xff", "\xc2\x85", "\xe2\x80\xae"};
      text += random() % 3 == 0 ? std::string(1, static_cast<char>(random())) : kPieces[random() % 7];
    }
    const size_t columns = 1 + random() % 20;
    EXPECT_LE(text_columns(shortened(text, columns)), columns);
    const std::string escaped = xml_escaped(text);
    EXPECT_EQ(escaped.find_first_of("<>\"'\x01\x1b"), std::string::npos);
    EXPECT_EQ(xml_escaped(shortened(escaped, 1000)).find(kReplaced) != std::string::npos,
              escaped.find(kReplaced) != std::string::npos);  // what comes out is UTF-8
  }
}

}  // namespace
}  // namespace tenon::cli
