#include "evaluate/pickle.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace visavis {
namespace {

using namespace std::string_literals;
using Kind = Pickle::Kind;

std::vector<std::uint8_t> Bytes(const std::string& text) { return {text.begin(), text.end()}; }

class PickleTest : public testing::Test {
 protected:
  Result<Pickle> Parse(const std::string& text) {
    bytes_ = Bytes(text);
    return Pickle::Parse(bytes_, "test.bin");
  }
  ErrorCode CodeOf(const std::string& text) { return Parse(text).error().code; }
  std::vector<std::uint8_t> bytes_;
};

TEST_F(PickleTest, ReadsEveryProtocolsSpellingOfNumbersAndText) {
  // python3: pickle.dumps(([1, 300, 70000, -1, 2**40], 'é', b'\xff', True, None), p) for p in 0,
  // 2, 4.
  const std::string streams[] = {
      "((lp0\nI1\naI300\naI70000\naI-1\naL1099511627776L\naV\xe9\np1\nc_codecs\nencode\np2\n(V\xff\np3\nVlatin1\np4\ntp5\nRp6\nI01\nNtp7\n."s,
      "\x80\x02(]q\0(K\x01M\x2c\x01Jp\x11\x01\0J\xff\xff\xff\xff\x8a\x06\0\0\0\0\0\x01"s
      "eX\x02\0\0\0\xc3\xa9q\x01"s
      "c_codecs\nencode\nq\x02X\x02\0\0\0\xc3\xbfq\x03X\x06\0\0\0latin1q\x04\x86q\x05Rq\x06\x88Ntq\x07."s,
      "\x80\x04\x95*\0\0\0\0\0\0\0(]\x94(K\x01M\x2c\x01Jp\x11\x01\0J\xff\xff\xff\xff\x8a\x06\0\0\0\0\0\x01"s
      "e\x8c\x02\xc3\xa9\x94"s
      "C\x01\xff\x94\x88Nt\x94."s};
  for (const std::string& stream : streams) {
    const auto pickle = Parse(stream);
    ASSERT_TRUE(pickle) << pickle.error().message;
    const auto& root = pickle->root();
    ASSERT_EQ(root.kind, Kind::kTuple);
    ASSERT_EQ(root.items.size(), 5u);
    const auto& list = pickle->at(root.items[0]);
    ASSERT_EQ(list.items.size(), 5u);
    const std::int64_t wanted[] = {1, 300, 70000, -1, std::int64_t{1} << 40};
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(pickle->at(list.items[i]).number, wanted[i]);
    EXPECT_EQ(pickle->at(root.items[1]).bytes, "\xc3\xa9");
    EXPECT_EQ(pickle->at(root.items[2]).kind, Kind::kBytes);
    EXPECT_EQ(pickle->at(root.items[2]).bytes, "\xff");
    EXPECT_EQ(pickle->at(root.items[3]).number, 1);
    EXPECT_EQ(pickle->at(root.items[4]).kind, Kind::kNone);
  }
}

TEST_F(PickleTest, ReadsPython2StringsWithEscapes) {
  const auto pickle = Parse("S'a\\n\\x00\\'\\\\'\np0\n.");
  ASSERT_TRUE(pickle) << pickle.error().message;
  EXPECT_EQ(pickle->root().bytes, "a\n\0'\\"s);
}

TEST_F(PickleTest, RepeatedValuesAreOneObject) {
  const auto pickle = Parse("\x80\x02]q\0(U\x02hiq\x01h\x01h\x01"s + "e.");
  ASSERT_TRUE(pickle) << pickle.error().message;
  const auto& items = pickle->root().items;
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0], items[1]);
  EXPECT_EQ(items[0], items[2]);
}

TEST_F(PickleTest, ReadsArraysOfEveryProtocol) {
  // numpy.array([[1],[2],[3]], 'u1') by reconstruct + BUILD, and by _frombuffer.
  const std::string dtype =
      "cnumpy\ndtype\nU\x02u1K\0K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"s;
  const std::string built =
      "\x80\x02"s
      "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01"s
      "b\x87R(K\x01K\x03K\x01\x86"s +
      dtype + "\x89U\x03\x01\x02\x03tb.";
  const std::string buffered =
      "\x80\x05"s
      "cnumpy._core.numeric\n_frombuffer\n(\x96\x03\0\0\0\0\0\0\0\x01\x02\x03"s +
      dtype +
      "K\x03K\x01\x86\x8c\x01"s
      "CtR.";
  for (const std::string& stream : {built, buffered}) {
    const auto pickle = Parse(stream);
    ASSERT_TRUE(pickle) << pickle.error().message;
    EXPECT_EQ(pickle->root().kind, Kind::kArray);
    EXPECT_EQ(pickle->root().shape, (std::vector<std::int64_t>{3, 1}));
    EXPECT_EQ(pickle->root().bytes, "\x01\x02\x03");
    EXPECT_EQ(pickle->root().type_code, 'u');
  }
}

TEST_F(PickleTest, RefusesArraysThatLieAboutTheirSize) {
  const std::string dtype = "cnumpy\ndtype\nU\x02u1K\0K\x01\x87R"s;
  const std::string head =
      "\x80\x02"s
      "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01"s
      "b\x87R(K\x01"s;
  EXPECT_EQ(CodeOf(head + "K\x04\x85" + dtype + "\x89U\x03\x01\x02\x03tb."),
            ErrorCode::kCorruptData);
  EXPECT_EQ(CodeOf(head + "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85" + dtype +
                   "\x89U\x03\x01\x02\x03tb."),
            ErrorCode::kCorruptData);
  EXPECT_EQ(CodeOf(head + "J\xff\xff\xff\xff\x85" + dtype + "\x89U\x03\x01\x02\x03tb."),
            ErrorCode::kCorruptData);
}

TEST_F(PickleTest, ExecutesNothing) {
  const std::string exploits[] = {
      "cos\nsystem\n(S'echo hacked'\ntR.",
      "cposix\nsystem\n(S'id'\ntR.",
      "c__builtin__\neval\n(S'1'\ntR.",
      "cbuiltins\nexec\n(S'1'\ntR.",
      "cbuiltins\ngetattr\n(tR.",
      "\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."s,
      "\x80\x04\x8c\x08"
      "builtins\x8c\x04"
      "eval\x93\x8c\x01"
      "1\x85R."s,
      "csubprocess\nPopen\n((lS'id'\natR.",
      "cnumpy\nload\n(S'x'\ntR.",
      "cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\nI0\ntR.",
      "(S'id'\nios\nsystem\n.",   // INST
      "(cos\nsystem\nS'id'\no.",  // OBJ
      "\x80\x02"
      "c__builtin__\nobject\n)\x81.",  // NEWOBJ
      "\x80\x02\x82\x01.",             // EXT1
      "Pid\n.",                        // PERSID
      "\x80\x05\x97.",                 // NEXT_BUFFER
      "}.",                            // dictionaries are not needed
  };
  for (const std::string& exploit : exploits) {
    const auto pickle = Parse(exploit);
    ASSERT_FALSE(pickle) << exploit;
    EXPECT_EQ(pickle.error().code, ErrorCode::kUnsupported)
        << exploit << ": " << pickle.error().message;
  }
}

TEST_F(PickleTest, RefusesMalformedStreams) {
  for (const std::string& stream :
       {""s, "\x80"s, "\x80\x02"s, "."s, "a."s, "e."s, "0."s, "(0."s, "h\x01."s, "K"s,
        "\x8e\xff\xff\xff\xff\xff\xff\xff\xff."s, "\x95\xff\xff\xff\xff\xff\xff\xff\x7f."s,
        "S'abc\n."s, "Ix\n."s, "NNa."s, "]Nb."s, "(t"s, "NR."s}) {
    EXPECT_EQ(CodeOf(stream), ErrorCode::kCorruptData) << testing::PrintToString(stream);
  }
  EXPECT_EQ(CodeOf("\x80\x06N."), ErrorCode::kUnsupported);
}

TEST_F(PickleTest, ObjectCountIsBounded) {
  bytes_ = Bytes(std::string(1000, 'N') + ".");
  PickleLimits limits;
  limits.objects = 500;
  EXPECT_EQ(Pickle::Parse(bytes_, "many", limits).error().code, ErrorCode::kLimitExceeded);
  // One memoized list appended to itself again and again stays small.
  std::string loop = "\x80\x02]q\0"s;
  for (int i = 0; i < 10000; ++i) loop += "h\0a"s;
  EXPECT_TRUE(Parse(loop + "."));
}

TEST_F(PickleTest, RandomBytesNeverCrash) {
  std::mt19937 random(7);
  const std::string alphabet =
      "\x80\x04\x95(.0N\x88\x89ILJKM\x8aSVUCTB\x8e\x96\x8cX\x8d])aelt\x85\x86\x87"s +
      "c\x93Rbqrp\x94hjg\n'1\0\x01"s;
  for (int round = 0; round < 20000; ++round) {
    std::string stream;
    const int length = static_cast<int>(random() % 40);
    for (int i = 0; i < length; ++i) stream += alphabet[random() % alphabet.size()];
    (void)Parse(stream + ".");
  }
}

}  // namespace
}  // namespace visavis
