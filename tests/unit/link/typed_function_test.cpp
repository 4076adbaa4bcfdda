#include "link/typed_function.h"

#include "unit/link/opened.h"

namespace tenon::link::testing {
namespace {

class TypedFunctionTest : public OpenedTest {
 protected:
  /// A library with `name`, which gives its last parameter back.
  static Library last_of(const std::string& name, std::vector<ValueType> parameters) {
    Library library = make_main({});
    const ValueType result = parameters.back();
    const auto last = static_cast<uint32_t>(parameters.size() - 1);
    const uint32_t type = library.module.type(std::move(parameters), {result});
    library.export_function(name, library.module.function(type, get_local(last)));
    return library;
  }
};

TEST_F(TypedFunctionTest, ValuesOfAllTypesGoThereAndBack) {
  add("libi32.so", last_of("i32", {ValueType::i64, ValueType::i32}));
  add("libi64.so", last_of("i64", {ValueType::i32, ValueType::i64}));
  add("libf32.so", last_of("f32", {ValueType::f32}));
  add("libf64.so", last_of("f64", {ValueType::f32, ValueType::f64}));
  add("libv128.so", last_of("v128", {ValueType::v128, ValueType::i32, ValueType::v128}));
  start();
  const auto i32 = TypedFunction<int32_t(int64_t, int32_t)>::find(*program_, *open("libi32.so"), "i32");
  const auto i64 = TypedFunction<uint64_t(uint32_t, uint64_t)>::find(*program_, *open("libi64.so"), "i64");
  const auto f32 = TypedFunction<float(float)>::find(*program_, *open("libf32.so"), "f32");
  const auto f64 = TypedFunction<double(float, double)>::find(*program_, *open("libf64.so"), "f64");
  const auto v128 =
      TypedFunction<abi::V128(abi::V128, int32_t, abi::V128)>::find(*program_, *open("libv128.so"), "v128");
  ASSERT_TRUE(i32 && i64 && f32 && f64 && v128);
  EXPECT_EQ((*i32)(1, -7), -7);
  EXPECT_EQ((*i64)(1, uint64_t{1} << 63), uint64_t{1} << 63);
  EXPECT_EQ((*f32)(-0.5F), -0.5F);
  EXPECT_EQ((*f64)(1.0F, 1e300), 1e300);
  EXPECT_EQ((*v128)({1, 2}, 3, {4, 5}), (abi::V128{4, 5}));
}

TEST_F(TypedFunctionTest, AnotherTypeIsRefused) {
  add("libi32.so", last_of("same", {ValueType::i32}));
  start();
  Dso& library = *open("libi32.so");
  const auto wrong = TypedFunction<int64_t(int32_t)>::find(*program_, library, "same");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::unlinkable);
  EXPECT_NE(wrong.error().message.find("(i32) -> i64"), std::string::npos) << wrong.error().message;
  EXPECT_FALSE(TypedFunction<void(int32_t)>::find(*program_, library, "same"));
  EXPECT_EQ(TypedFunction<void()>::find(*program_, library, "absent").error().kind, ErrorKind::not_found);
}

TEST_F(TypedFunctionTest, FailuresOfTheGuestAreErrors) {
  Library library = make_main({});
  const uint32_t nothing = library.module.type({}, {});
  library.export_function("trap", library.module.function(nothing, bytes(Opcode::unreachable)));
  add("libtrap.so", library);
  start();
  Dso* const opened = open("libtrap.so");
  const auto trap = TypedFunction<void()>::find(*program_, *opened, "trap");
  ASSERT_TRUE(trap);
  const auto called = (*trap)();
  ASSERT_FALSE(called);
  EXPECT_EQ(called.error().kind, ErrorKind::trap);
  close(opened);
  const auto gone = (*trap)();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::usage);
  EXPECT_NE(gone.error().message.find("libtrap.so"), std::string::npos) << gone.error().message;
}

}  // namespace
}  // namespace tenon::link::testing
