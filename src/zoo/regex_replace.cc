#include "zoo/regex_replace.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cctype>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "base/try.h"
#include "zoo/shared_library.h"

namespace visavis {
namespace {

constexpr std::uint32_t kMatchLimit = 1'000'000;
constexpr std::uint32_t kHeapLimitKib = 64 << 10;
constexpr std::size_t kMaxPatternBytes = 10'000;
constexpr int kMaxMatches = 100'000;
constexpr std::size_t kMaxResultBytes = 64 << 20;

struct PcreApi {
  decltype(&::pcre2_compile_8) compile = nullptr;
  decltype(&::pcre2_code_free_8) code_free = nullptr;
  decltype(&::pcre2_match_8) match = nullptr;
  decltype(&::pcre2_match_context_create_8) context_create = nullptr;
  decltype(&::pcre2_match_context_free_8) context_free = nullptr;
  decltype(&::pcre2_set_match_limit_8) set_match_limit = nullptr;
  decltype(&::pcre2_set_heap_limit_8) set_heap_limit = nullptr;
  decltype(&::pcre2_match_data_create_from_pattern_8) data_create = nullptr;
  decltype(&::pcre2_match_data_free_8) data_free = nullptr;
  decltype(&::pcre2_get_ovector_pointer_8) ovector = nullptr;
  decltype(&::pcre2_get_ovector_count_8) ovector_count = nullptr;
  decltype(&::pcre2_substring_number_from_name_8) number_from_name = nullptr;
  decltype(&::pcre2_get_error_message_8) error_message = nullptr;
};

Result<PcreApi> Open() {
  const SharedLibrary library({"libpcre2-8.so.0"});
  PcreApi api;
  if (!library.Bind("pcre2_compile_8", api.compile) ||
      !library.Bind("pcre2_code_free_8", api.code_free) ||
      !library.Bind("pcre2_match_8", api.match) ||
      !library.Bind("pcre2_match_context_create_8", api.context_create) ||
      !library.Bind("pcre2_match_context_free_8", api.context_free) ||
      !library.Bind("pcre2_set_match_limit_8", api.set_match_limit) ||
      !library.Bind("pcre2_set_heap_limit_8", api.set_heap_limit) ||
      !library.Bind("pcre2_match_data_create_from_pattern_8", api.data_create) ||
      !library.Bind("pcre2_match_data_free_8", api.data_free) ||
      !library.Bind("pcre2_get_ovector_pointer_8", api.ovector) ||
      !library.Bind("pcre2_get_ovector_count_8", api.ovector_count) ||
      !library.Bind("pcre2_substring_number_from_name_8", api.number_from_name) ||
      !library.Bind("pcre2_get_error_message_8", api.error_message)) {
    return MakeError(ErrorCode::kUnsupported,
                     "regular expressions need libpcre2-8.so.0 (Debian package libpcre2-8-0)");
  }
  return api;
}

// A compiled pattern and the state of its last match.
class Pattern {
 public:
  static Result<Pattern> Compile(const PcreApi& api, const std::string& pattern) {
    if (pattern.size() > kMaxPatternBytes) {
      return MakeError(ErrorCode::kLimitExceeded, "a pattern of {} bytes, want at most {}",
                       pattern.size(), kMaxPatternBytes);
    }
    int code = 0;
    PCRE2_SIZE offset = 0;
    Pattern compiled(api);
    compiled.text_ = pattern;
    compiled.code_.reset(api.compile(reinterpret_cast<PCRE2_SPTR8>(pattern.data()), pattern.size(),
                                     PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &offset, nullptr));
    if (compiled.code_ == nullptr) {
      return MakeError(ErrorCode::kCorruptData, "pattern \"{}\": at {}: {}", OneLine(pattern),
                       offset, compiled.Message(code));
    }
    compiled.context_.reset(api.context_create(nullptr));
    compiled.data_.reset(api.data_create(compiled.code_.get(), nullptr));
    if (compiled.context_ == nullptr || compiled.data_ == nullptr) {
      return MakeError(ErrorCode::kLimitExceeded, "pattern \"{}\": no memory", OneLine(pattern));
    }
    api.set_match_limit(compiled.context_.get(), kMatchLimit);
    api.set_heap_limit(compiled.context_.get(), kHeapLimitKib);
    return compiled;
  }

  // Looks for the first match at or after `start`.
  Result<bool> Find(std::string_view text, std::size_t start) {
    const int code =
        api_->match(code_.get(), reinterpret_cast<PCRE2_SPTR8>(text.data()), text.size(), start,
                    checked_ ? PCRE2_NO_UTF_CHECK : 0, data_.get(), context_.get());
    checked_ = true;  // the same text every time
    if (code == PCRE2_ERROR_NOMATCH) return false;
    if (code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_HEAPLIMIT ||
        code == PCRE2_ERROR_DEPTHLIMIT) {
      return MakeError(ErrorCode::kLimitExceeded, "pattern \"{}\": takes too long", OneLine(text_));
    }
    if (code < 0) {
      return MakeError(ErrorCode::kCorruptData, "pattern \"{}\": {}", OneLine(text_),
                       Message(code));
    }
    return true;
  }

  std::size_t begin() const { return api_->ovector(data_.get())[0]; }
  std::size_t end() const { return api_->ovector(data_.get())[1]; }

  // The text of a group; "" for one that took no part. Null text means there is no such group.
  bool Group(std::string_view text, std::uint32_t number, std::string_view& group) const {
    if (number >= api_->ovector_count(data_.get())) return false;
    const PCRE2_SIZE* at = api_->ovector(data_.get()) + 2 * number;
    group = at[0] == PCRE2_UNSET || at[1] < at[0] ? std::string_view()
                                                  : text.substr(at[0], at[1] - at[0]);
    return true;
  }

  int NumberOf(const std::string& name) const {
    return api_->number_from_name(code_.get(), reinterpret_cast<PCRE2_SPTR8>(name.c_str()));
  }

 private:
  explicit Pattern(const PcreApi& api)
      : api_(&api),
        code_(nullptr, api.code_free),
        context_(nullptr, api.context_free),
        data_(nullptr, api.data_free) {}

  std::string Message(int code) const {
    PCRE2_UCHAR8 message[200] = {};
    (void)api_->error_message(code, message, sizeof message);
    return reinterpret_cast<const char*>(message);
  }

  const PcreApi* api_;
  bool checked_ = false;
  std::string text_;
  std::unique_ptr<pcre2_code_8, decltype(PcreApi::code_free)> code_;
  std::unique_ptr<pcre2_match_context_8, decltype(PcreApi::context_free)> context_;
  std::unique_ptr<pcre2_match_data_8, decltype(PcreApi::data_free)> data_;
};

// The replacement for the match at hand.
Result<std::string> Expand(const std::string& replacement, const Pattern& pattern,
                           std::string_view text) {
  const auto bad = [&](std::string_view what) {
    return MakeError(ErrorCode::kCorruptData, "replacement \"{}\": {}", OneLine(replacement), what);
  };
  std::string out;
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] != '\\') {
      out += replacement[i];
      continue;
    }
    if (++i == replacement.size()) return bad("ends with a backslash");
    const char c = replacement[i];
    std::string group;
    if (c == 'n' || c == 't' || c == 'r' || c == '\\') {
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : '\\';
      continue;
    }
    if (c >= '1' && c <= '9') {
      group = c;
      if (i + 1 < replacement.size() &&
          std::isdigit(static_cast<unsigned char>(replacement[i + 1])) != 0) {
        group += replacement[++i];
      }
    } else if (c == 'g' && i + 1 < replacement.size() && replacement[i + 1] == '<') {
      const auto close = replacement.find('>', i);
      if (close == std::string::npos) return bad("\\g< without >");
      group = replacement.substr(i + 2, close - i - 2);
      i = close;
    } else {
      return bad("an unknown escape");
    }
    const bool numeric = !group.empty() && group.size() <= 2 &&
                         group.find_first_not_of("0123456789") == std::string::npos;
    const int number = numeric ? std::stoi(group) : pattern.NumberOf(group);
    std::string_view value;
    if (number < 0 || !pattern.Group(text, static_cast<std::uint32_t>(number), value)) {
      return bad("no group " + OneLine(group));
    }
    out += value;
  }
  return out;
}

}  // namespace

Result<std::string> RegexReplace(std::string_view text, const std::string& pattern_text,
                                 const std::string& replacement, int count) {
  static const Result<PcreApi> api = Open();
  if (!api) return api.error();
  VISAVIS_ASSIGN_OR_RETURN(Pattern pattern, Pattern::Compile(*api, pattern_text));
  std::string out;
  std::size_t copied = 0;  // of `text`
  std::size_t from = 0;
  int found = 0;
  while (from <= text.size() && (count == 0 || found < count)) {
    VISAVIS_ASSIGN_OR_RETURN(const bool matched, pattern.Find(text, from));
    if (!matched) break;
    if (++found > kMaxMatches) {
      return MakeError(ErrorCode::kLimitExceeded, "pattern \"{}\": more than {} matches",
                       OneLine(pattern_text), kMaxMatches);
    }
    const std::size_t begin = pattern.begin();
    const std::size_t end = pattern.end();
    if (end < begin) {
      return MakeError(ErrorCode::kUnsupported, "pattern \"{}\": \\K is not supported",
                       OneLine(pattern_text));
    }
    out += text.substr(copied, begin - copied);
    VISAVIS_ASSIGN_OR_RETURN(const std::string expanded, Expand(replacement, pattern, text));
    out += expanded;
    copied = end;
    if (out.size() > kMaxResultBytes) {
      return MakeError(ErrorCode::kLimitExceeded, "pattern \"{}\": the result is over {} bytes",
                       OneLine(pattern_text), kMaxResultBytes);
    }
    from = end;
    if (end == begin) {  // an empty match: step over one whole character
      do {
        ++from;
      } while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80);
    }
  }
  if (found == 0 || (count != 0 && found < count)) {
    return MakeError(ErrorCode::kNotFound, "pattern \"{}\": found {} times, want {}",
                     OneLine(pattern_text), found,
                     count == 0 ? std::string("at least 1") : std::to_string(count));
  }
  out += text.substr(copied);
  return out;
}

}  // namespace visavis
