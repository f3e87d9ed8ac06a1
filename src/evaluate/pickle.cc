#include "evaluate/pickle.h"

#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "evaluate/pickle_text.h"

namespace visavis {
namespace {

// What a permitted global stands for once it is "called".
enum class Global : std::int64_t {
  kReconstruct,  // an empty array, filled by BUILD
  kScalar,       // one NumPy scalar
  kFromBuffer,   // an array over bytes (protocol 5)
  kNdarray,      // only ever an argument of _reconstruct
  kDType,
  kCodecsEncode,  // Python 3's way of writing bytes in protocols 0 to 2
  kBytes,
  kBytearray,
  kBool,
};

struct PermittedGlobal {
  std::string_view module;
  std::string_view name;
  Global meaning;
};

// NumPy 2 renamed numpy.core to numpy._core. Python 2's __builtin__ is Python 3's builtins.
constexpr std::array kPermitted = {
    PermittedGlobal{"numpy.core.multiarray", "_reconstruct", Global::kReconstruct},
    PermittedGlobal{"numpy._core.multiarray", "_reconstruct", Global::kReconstruct},
    PermittedGlobal{"numpy.core.multiarray", "scalar", Global::kScalar},
    PermittedGlobal{"numpy._core.multiarray", "scalar", Global::kScalar},
    PermittedGlobal{"numpy.core.numeric", "_frombuffer", Global::kFromBuffer},
    PermittedGlobal{"numpy._core.numeric", "_frombuffer", Global::kFromBuffer},
    PermittedGlobal{"numpy", "ndarray", Global::kNdarray},
    PermittedGlobal{"numpy", "dtype", Global::kDType},
    PermittedGlobal{"_codecs", "encode", Global::kCodecsEncode},
    PermittedGlobal{"__builtin__", "bytes", Global::kBytes},
    PermittedGlobal{"builtins", "bytes", Global::kBytes},
    PermittedGlobal{"__builtin__", "bytearray", Global::kBytearray},
    PermittedGlobal{"builtins", "bytearray", Global::kBytearray},
    PermittedGlobal{"__builtin__", "bool", Global::kBool},
    PermittedGlobal{"builtins", "bool", Global::kBool},
};

// Encoded images are (n,) or (n,1).
constexpr std::size_t kMaxArrayRank = 4;

}  // namespace

// The pickle machine: a stack, a memo, and the permitted opcodes.
class PickleMachine {
 public:
  PickleMachine(std::span<const std::uint8_t> bytes, const std::string& name,
                const PickleLimits& limits)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
        name_(name),
        limits_(limits) {}

  Result<Pickle> Run() {
    while (!stopped_) {
      opcode_at_ = at_;
      VISAVIS_ASSIGN_OR_RETURN(const std::uint64_t opcode, Little(1));
      VISAVIS_RETURN_IF_ERROR(Step(static_cast<char>(opcode)));
      if (std::ssize(out_.objects_) > limits_.objects || std::ssize(stack_) > limits_.stack) {
        return MakeError(ErrorCode::kLimitExceeded, "{}: byte {}: more than {} objects", name_,
                         opcode_at_, limits_.objects);
      }
    }
    return std::move(out_);
  }

 private:
  using Id = Pickle::Id;
  using Kind = Pickle::Kind;
  using Object = Pickle::Object;

  Error Corrupt(std::string_view what) const {
    return MakeError(ErrorCode::kCorruptData, "{}: byte {}: {}", name_, opcode_at_, what);
  }
  Error Unsupported(std::string_view what) const {
    return MakeError(ErrorCode::kUnsupported, "{}: byte {}: {}", name_, opcode_at_, what);
  }

  // --- reading
  // -------------------------------------------------------------------------------------------------------
  Result<std::string_view> Take(std::uint64_t count) {
    if (count > text_.size() - at_) return Corrupt("truncated pickle");
    const std::string_view taken = text_.substr(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return taken;
  }
  Result<std::uint64_t> Little(int count) {
    VISAVIS_ASSIGN_OR_RETURN(const std::string_view bytes, Take(static_cast<std::uint64_t>(count)));
    std::uint64_t value = 0;
    for (int i = count - 1; i >= 0; --i) {
      value = value << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
    }
    return value;
  }
  Result<std::string_view> Counted(int count_bytes) {
    VISAVIS_ASSIGN_OR_RETURN(const std::uint64_t count, Little(count_bytes));
    return Take(count);
  }
  Result<std::string_view> Line() {
    const std::size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) return Corrupt("truncated pickle: no end of line");
    const std::string_view line = text_.substr(at_, end - at_);
    at_ = end + 1;
    return line;
  }
  Result<std::int64_t> LineNumber() {
    VISAVIS_ASSIGN_OR_RETURN(std::string_view line, Line());
    if (line.ends_with('L')) line.remove_suffix(1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc() || end != line.data() + line.size()) return Corrupt("not a number");
    return value;
  }

  // --- objects and the stack
  // -----------------------------------------------------------------------------------------
  Id Add(Object object) {
    out_.objects_.push_back(std::move(object));
    return static_cast<Id>(out_.objects_.size() - 1);
  }
  Object& At(Id id) { return out_.objects_[id]; }
  Status Push(Object object) { return stack_.push_back(Add(std::move(object))), Status(); }
  Status PushNumber(Kind kind, std::int64_t value) { return Push({.kind = kind, .number = value}); }
  Status PushPayload(Kind kind, std::string_view bytes) {
    return Push({.kind = kind, .bytes = bytes});
  }
  Status PushDecoded(Kind kind, std::optional<std::string> decoded) {
    if (!decoded) return Corrupt("malformed string");
    return PushPayload(kind, out_.decoded_.emplace_back(std::move(*decoded)));
  }
  std::size_t Floor() const { return marks_.empty() ? 0 : marks_.back(); }
  Result<Id> Pop() {
    if (stack_.size() <= Floor()) return Corrupt("the stack is empty");
    const Id id = stack_.back();
    stack_.pop_back();
    return id;
  }
  Result<std::vector<Id>> PopToMark() {
    if (marks_.empty()) return Corrupt("no mark on the stack");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Id> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }
  Status PushTuple(std::size_t count) {
    std::vector<Id> items(count);
    for (std::size_t i = count; i-- > 0;) {
      VISAVIS_ASSIGN_OR_RETURN(items[i], Pop());
    }
    return Push({.kind = Kind::kTuple, .items = std::move(items)});
  }
  Status PushSequence(Kind kind) {
    VISAVIS_ASSIGN_OR_RETURN(std::vector<Id> items, PopToMark());
    return Push({.kind = kind, .items = std::move(items)});
  }
  Status AppendItems(const std::vector<Id>& items) {
    if (stack_.size() <= Floor() || At(stack_.back()).kind != Kind::kList)
      return Corrupt("append to what is no list");
    std::vector<Id>& list = At(stack_.back()).items;
    list.insert(list.end(), items.begin(), items.end());
    listed_ += std::ssize(items);
    if (listed_ > limits_.stack) {
      return MakeError(ErrorCode::kLimitExceeded, "{}: byte {}: more than {} list items", name_,
                       opcode_at_, limits_.stack);
    }
    return {};
  }
  Status Memoize(std::uint64_t key) {
    if (stack_.size() <= Floor()) return Corrupt("nothing to memoize");
    memo_[key] = stack_.back();
    return {};
  }
  Status Recall(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) return Corrupt("a memo entry that was never written");
    stack_.push_back(found->second);
    return {};
  }

  // --- globals and what they build
  // -----------------------------------------------------------------------------------
  Status PushGlobal(std::string_view module, std::string_view name) {
    for (const PermittedGlobal& permitted : kPermitted) {
      if (permitted.module == module && permitted.name == name) {
        return PushNumber(Kind::kGlobal, static_cast<std::int64_t>(permitted.meaning));
      }
    }
    return Unsupported(fmt::format("global {:?} is not permitted in a data set",
                                   fmt::format("{}.{}", module.substr(0, 60), name.substr(0, 60))));
  }

  const Object* Argument(const Object& tuple, std::size_t i, Kind kind) const {
    if (i >= tuple.items.size()) return nullptr;
    const Object& argument = out_.objects_[tuple.items[i]];
    return argument.kind == kind ? &argument : nullptr;
  }
  // Text of Python 3 or str of Python 2.
  std::optional<std::string_view> Word(const Object& tuple, std::size_t i) const {
    if (i >= tuple.items.size()) return std::nullopt;
    const Object& argument = out_.objects_[tuple.items[i]];
    if (argument.kind != Kind::kText && argument.kind != Kind::kBytes) return std::nullopt;
    return argument.bytes;
  }

  Status MakeDType(const Object& arguments) {
    const auto spelled = Word(arguments, 0);
    if (!spelled) return Corrupt("numpy.dtype wants a type string");
    std::string_view spec = *spelled;
    if (!spec.empty() && (spec.front() == '|' || spec.front() == '<' || spec.front() == '='))
      spec.remove_prefix(1);
    constexpr std::string_view kKnown[] = {"b1", "u1", "i1", "i4", "i8", "f4", "f8"};
    for (const std::string_view known : kKnown) {
      if (spec == known) {
        return Push({.kind = Kind::kDType,
                     .type_code = static_cast<std::uint8_t>(spec[0]),
                     .item_size = static_cast<std::uint8_t>(spec[1] - '0')});
      }
    }
    return Unsupported(
        fmt::format("NumPy type {:?} is not permitted in a data set", spelled->substr(0, 20)));
  }

  // Gives `array` its elements; the byte count must be exactly shape x item size.
  Status FillArray(Object& array, const Object& shape, const Object& dtype, std::string_view raw) {
    if (shape.items.size() > kMaxArrayRank)
      return Unsupported("an array of more than 4 dimensions");
    array.shape.clear();
    std::uint64_t count = 1;
    for (const Id id : shape.items) {
      const Object& extent = At(id);
      if (extent.kind != Kind::kInt || extent.number < 0)
        return Corrupt("an array extent is no number");
      const auto n = static_cast<std::uint64_t>(extent.number);
      if (n != 0 && count > raw.size() / n) return Corrupt("an array is larger than its bytes");
      count *= n;
      array.shape.push_back(extent.number);
    }
    if (count * dtype.item_size != raw.size())
      return Corrupt("an array's bytes do not match its shape");
    array.type_code = dtype.type_code;
    array.item_size = dtype.item_size;
    array.bytes = raw;
    return {};
  }

  Status MakeScalar(const Object& arguments) {
    const Object* dtype = Argument(arguments, 0, Kind::kDType);
    const Object* raw = Argument(arguments, 1, Kind::kBytes);
    if (dtype == nullptr || raw == nullptr || raw->bytes.size() != dtype->item_size) {
      return Corrupt("malformed NumPy scalar");
    }
    if (dtype->type_code == 'f')
      return Unsupported("a floating-point scalar is not permitted in a data set");
    std::uint64_t value = 0;
    for (std::size_t i = raw->bytes.size(); i-- > 0;)
      value = value << 8 | static_cast<unsigned char>(raw->bytes[i]);
    if (dtype->type_code == 'b') return PushNumber(Kind::kBool, value != 0);
    const int unused_bits = 64 - 8 * dtype->item_size;
    const auto number = dtype->type_code == 'i'
                            ? std::bit_cast<std::int64_t>(value << unused_bits) >> unused_bits
                            : std::bit_cast<std::int64_t>(value);
    return PushNumber(Kind::kInt, number);
  }

  Status MakeFromBuffer(const Object& arguments) {
    const Object* buffer = Argument(arguments, 0, Kind::kBytes);
    const Object* dtype = Argument(arguments, 1, Kind::kDType);
    const Object* shape = Argument(arguments, 2, Kind::kTuple);
    const auto order = Word(arguments, 3);
    if (buffer == nullptr || dtype == nullptr || shape == nullptr || !order)
      return Corrupt("malformed NumPy buffer");
    Object array{.kind = Kind::kArray, .fortran = *order == "F"};
    VISAVIS_RETURN_IF_ERROR(FillArray(array, *shape, *dtype, buffer->bytes));
    return Push(std::move(array));
  }

  Status EncodeText(const Object& arguments) {
    const Object* text = Argument(arguments, 0, Kind::kText);
    const auto codec = Word(arguments, 1);
    if (text == nullptr || !codec || (*codec != "latin1" && *codec != "latin-1")) {
      return Unsupported("_codecs.encode is permitted for latin1 text only");
    }
    return PushDecoded(Kind::kBytes, Latin1FromUtf8(text->bytes));
  }

  Status Reduce() {
    VISAVIS_ASSIGN_OR_RETURN(const Id argument_id, Pop());
    VISAVIS_ASSIGN_OR_RETURN(const Id global_id, Pop());
    // Pushing moves the objects, so every maker reads its arguments before it pushes.
    const Object& arguments = At(argument_id);
    if (At(global_id).kind != Kind::kGlobal || arguments.kind != Kind::kTuple) {
      return Corrupt("a call of what is no permitted global");
    }
    switch (static_cast<Global>(At(global_id).number)) {
      case Global::kReconstruct:
        return Push({.kind = Kind::kArray});
      case Global::kScalar:
        return MakeScalar(arguments);
      case Global::kFromBuffer:
        return MakeFromBuffer(arguments);
      case Global::kDType:
        return MakeDType(arguments);
      case Global::kCodecsEncode:
        return EncodeText(arguments);
      case Global::kBytes:
      case Global::kBytearray:
        if (arguments.items.empty()) return PushPayload(Kind::kBytes, {});
        if (const Object* bytes = Argument(arguments, 0, Kind::kBytes))
          return PushPayload(Kind::kBytes, bytes->bytes);
        return Unsupported("bytes() is permitted of nothing or of bytes only");
      case Global::kBool: {
        const Object* number = Argument(arguments, 0, Kind::kInt);
        if (number == nullptr) return Unsupported("bool() is permitted of a number only");
        return PushNumber(Kind::kBool, number->number != 0);
      }
      case Global::kNdarray:
        return Unsupported("numpy.ndarray is not called in a data set");
    }
    return Corrupt("a call of what is no permitted global");
  }

  Status Build() {
    VISAVIS_ASSIGN_OR_RETURN(const Id state_id, Pop());
    if (stack_.size() <= Floor()) return Corrupt("nothing to give a state to");
    const Object& state = At(state_id);
    Object& target = At(stack_.back());
    if (state.kind != Kind::kTuple) return Corrupt("malformed NumPy state");
    if (target.kind == Kind::kDType) {
      // (version, byte order, ...): one-byte types say "|".
      if (const auto order = Word(state, 1); !order || *order == ">") {
        return Unsupported("big-endian arrays are not permitted in a data set");
      }
      return {};
    }
    if (target.kind != Kind::kArray) return Corrupt("a state for what is no array");
    // (version, shape, dtype, is Fortran order, raw bytes)
    const Object* shape = Argument(state, 1, Kind::kTuple);
    const Object* dtype = Argument(state, 2, Kind::kDType);
    const Object* fortran = Argument(state, 3, Kind::kBool);
    const Object* fortran_number = Argument(state, 3, Kind::kInt);
    const Object* raw = Argument(state, 4, Kind::kBytes);
    if (shape == nullptr || dtype == nullptr || raw == nullptr ||
        (fortran == nullptr && fortran_number == nullptr)) {
      return Corrupt("malformed NumPy array state");
    }
    target.fortran = (fortran != nullptr ? fortran : fortran_number)->number != 0;
    return FillArray(target, *shape, *dtype, raw->bytes);
  }

  // LONG1: a little-endian two's complement number.
  Status PushLong() {
    VISAVIS_ASSIGN_OR_RETURN(const std::string_view bytes, Counted(1));
    if (bytes.size() > 8) return Unsupported("a number of more than 64 bits");
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
      value = value << 8 | static_cast<unsigned char>(bytes[i]);
    const int unused_bits = 64 - 8 * static_cast<int>(bytes.size());
    return PushNumber(
        Kind::kInt,
        bytes.empty() ? 0 : std::bit_cast<std::int64_t>(value << unused_bits) >> unused_bits);
  }

  Status PushNumberLine() {
    VISAVIS_ASSIGN_OR_RETURN(const std::string_view line, Line());
    if (line == "01" || line == "00") return PushNumber(Kind::kBool, line == "01");
    at_ -= line.size() + 1;
    VISAVIS_ASSIGN_OR_RETURN(const std::int64_t value, LineNumber());
    return PushNumber(Kind::kInt, value);
  }

  Status PushCounted(Kind kind, int count_bytes) {
    VISAVIS_ASSIGN_OR_RETURN(const std::string_view bytes, Counted(count_bytes));
    return PushPayload(kind, bytes);
  }

  Status Step(char opcode) {
    switch (opcode) {
      case '\x80': {  // PROTO
        VISAVIS_ASSIGN_OR_RETURN(const std::uint64_t protocol, Little(1));
        if (protocol > 5)
          return Unsupported(fmt::format("pickle protocol {}, want 0 to 5", protocol));
        return {};
      }
      case '\x95': {  // FRAME
        VISAVIS_ASSIGN_OR_RETURN(const std::uint64_t length, Little(8));
        if (length > text_.size() - at_)
          return Corrupt("truncated pickle: a frame ends past the file");
        return {};
      }
      case '.': {  // STOP
        VISAVIS_ASSIGN_OR_RETURN(out_.root_, Pop());
        stopped_ = true;
        return {};
      }
      case '(':  // MARK
        marks_.push_back(stack_.size());
        if (std::ssize(marks_) > limits_.stack) return Corrupt("too many marks");
        return {};
      case '0':  // POP
        if (!marks_.empty() && marks_.back() == stack_.size()) return marks_.pop_back(), Status();
        VISAVIS_RETURN_IF_ERROR(Pop());
        return {};

      case 'N':  // NONE
        return Push({});
      case '\x88':  // NEWTRUE
        return PushNumber(Kind::kBool, 1);
      case '\x89':  // NEWFALSE
        return PushNumber(Kind::kBool, 0);
      case 'I':  // INT
        return PushNumberLine();
      case 'L': {  // LONG
        VISAVIS_ASSIGN_OR_RETURN(const std::int64_t value, LineNumber());
        return PushNumber(Kind::kInt, value);
      }
      case 'J': {  // BININT
        VISAVIS_ASSIGN_OR_RETURN(const std::uint64_t value, Little(4));
        return PushNumber(Kind::kInt, static_cast<std::int32_t>(static_cast<std::uint32_t>(value)));
      }
      case 'K':    // BININT1
      case 'M': {  // BININT2
        VISAVIS_ASSIGN_OR_RETURN(const std::uint64_t value, Little(opcode == 'K' ? 1 : 2));
        return PushNumber(Kind::kInt, static_cast<std::int64_t>(value));
      }
      case '\x8a':  // LONG1
        return PushLong();

      case 'S': {  // STRING
        VISAVIS_ASSIGN_OR_RETURN(const std::string_view line, Line());
        return PushDecoded(Kind::kBytes, Unquote(line));
      }
      case 'V': {  // UNICODE
        VISAVIS_ASSIGN_OR_RETURN(const std::string_view line, Line());
        return PushDecoded(Kind::kText, DecodeRawUnicode(line));
      }
      case 'U':  // SHORT_BINSTRING
      case 'C':  // SHORT_BINBYTES
        return PushCounted(Kind::kBytes, 1);
      case 'T':  // BINSTRING
      case 'B':  // BINBYTES
        return PushCounted(Kind::kBytes, 4);
      case '\x8e':  // BINBYTES8
      case '\x96':  // BYTEARRAY8
        return PushCounted(Kind::kBytes, 8);
      case '\x8c':  // SHORT_BINUNICODE
        return PushCounted(Kind::kText, 1);
      case 'X':  // BINUNICODE
        return PushCounted(Kind::kText, 4);
      case '\x8d':  // BINUNICODE8
        return PushCounted(Kind::kText, 8);

      case ']':  // EMPTY_LIST
        return Push({.kind = Kind::kList});
      case ')':  // EMPTY_TUPLE
        return Push({.kind = Kind::kTuple});
      case 'a': {  // APPEND
        VISAVIS_ASSIGN_OR_RETURN(const Id item, Pop());
        return AppendItems({item});
      }
      case 'e': {  // APPENDS
        VISAVIS_ASSIGN_OR_RETURN(const std::vector<Id> items, PopToMark());
        return AppendItems(items);
      }
      case 'l':  // LIST
        return PushSequence(Kind::kList);
      case 't':  // TUPLE
        return PushSequence(Kind::kTuple);
      case '\x85':  // TUPLE1
        return PushTuple(1);
      case '\x86':  // TUPLE2
        return PushTuple(2);
      case '\x87':  // TUPLE3
        return PushTuple(3);

      case 'c': {  // GLOBAL
        VISAVIS_ASSIGN_OR_RETURN(const std::string_view module, Line());
        VISAVIS_ASSIGN_OR_RETURN(const std::string_view name, Line());
        return PushGlobal(module, name);
      }
      case '\x93': {  // STACK_GLOBAL
        VISAVIS_ASSIGN_OR_RETURN(const Id name, Pop());
        VISAVIS_ASSIGN_OR_RETURN(const Id module, Pop());
        if (At(name).kind != Kind::kText || At(module).kind != Kind::kText)
          return Corrupt("a global without a name");
        return PushGlobal(At(module).bytes, At(name).bytes);
      }
      case 'R':  // REDUCE
        return Reduce();
      case 'b':  // BUILD
        return Build();

      case 'q': {  // BINPUT
        VISAVIS_ASSIGN_OR_RETURN(const std::uint64_t key, Little(1));
        return Memoize(key);
      }
      case 'r': {  // LONG_BINPUT
        VISAVIS_ASSIGN_OR_RETURN(const std::uint64_t key, Little(4));
        return Memoize(key);
      }
      case 'p': {  // PUT
        VISAVIS_ASSIGN_OR_RETURN(const std::int64_t key, LineNumber());
        return Memoize(static_cast<std::uint64_t>(key));
      }
      case '\x94':  // MEMOIZE
        return Memoize(memo_.size());
      case 'h': {  // BINGET
        VISAVIS_ASSIGN_OR_RETURN(const std::uint64_t key, Little(1));
        return Recall(key);
      }
      case 'j': {  // LONG_BINGET
        VISAVIS_ASSIGN_OR_RETURN(const std::uint64_t key, Little(4));
        return Recall(key);
      }
      case 'g': {  // GET
        VISAVIS_ASSIGN_OR_RETURN(const std::int64_t key, LineNumber());
        return Recall(static_cast<std::uint64_t>(key));
      }
      default:
        return Unsupported(fmt::format("opcode 0x{:02x} is not permitted in a data set",
                                       static_cast<unsigned>(static_cast<unsigned char>(opcode))));
    }
  }

  std::string_view text_;
  const std::string& name_;
  const PickleLimits& limits_;
  std::size_t at_ = 0;
  std::size_t opcode_at_ = 0;
  bool stopped_ = false;
  std::int64_t listed_ = 0;
  std::vector<Id> stack_;
  std::vector<std::size_t> marks_;  // stack heights
  std::unordered_map<std::uint64_t, Id> memo_;
  Pickle out_;
};

Result<Pickle> Pickle::Parse(std::span<const std::uint8_t> bytes, const std::string& name,
                             const PickleLimits& limits) {
  return PickleMachine(bytes, name, limits).Run();
}

}  // namespace visavis
