#include "zoo/yaml.h"

#include <yaml.h>

#include <map>

#include "base/error.h"
#include "base/text.h"
#include "base/try.h"
#include "zoo/shared_library.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 32;
constexpr int kMaxNodes = 50'000;
constexpr std::size_t kMaxTextBytes = 4 << 20;

struct YamlApi {
  decltype(&::yaml_parser_initialize) initialize = nullptr;
  decltype(&::yaml_parser_delete) destroy = nullptr;
  decltype(&::yaml_parser_set_input_string) set_input = nullptr;
  decltype(&::yaml_parser_parse) parse = nullptr;
  decltype(&::yaml_event_delete) delete_event = nullptr;
};

Result<YamlApi> Open() {
  const SharedLibrary library({"libyaml-0.so.2"});
  YamlApi api;
  if (!library.Bind("yaml_parser_initialize", api.initialize) ||
      !library.Bind("yaml_parser_delete", api.destroy) ||
      !library.Bind("yaml_parser_set_input_string", api.set_input) ||
      !library.Bind("yaml_parser_parse", api.parse) ||
      !library.Bind("yaml_event_delete", api.delete_event)) {
    return MakeError(ErrorCode::kUnsupported,
                     "YAML files need libyaml-0.so.2 (Debian package libyaml-0-2)");
  }
  return api;
}

std::string Text(const yaml_char_t* text) {
  return text == nullptr ? std::string() : reinterpret_cast<const char*>(text);
}

// Builds the document from libyaml's events. Depth is bounded, so recursion is.
class Reader {
 public:
  Reader(const YamlApi& api, std::string_view text, const std::string& where)
      : api_(api), where_(where) {
    started_ = api_.initialize(&parser_) == 1;
    const char* const bytes = text.empty() ? "" : text.data();  // libyaml aborts on a null pointer
    if (started_) {
      api_.set_input(&parser_, reinterpret_cast<const unsigned char*>(bytes), text.size());
    }
  }
  ~Reader() {
    if (has_event_) api_.delete_event(&event_);
    if (started_) api_.destroy(&parser_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<Json> Document() {
    VISAVIS_RETURN_IF_ERROR(Next());  // stream start
    VISAVIS_RETURN_IF_ERROR(Next());
    if (event_.type != YAML_DOCUMENT_START_EVENT) return Bad("holds no document");
    VISAVIS_RETURN_IF_ERROR(Next());
    VISAVIS_ASSIGN_OR_RETURN(Json document, Node(0));
    VISAVIS_RETURN_IF_ERROR(Next());  // document end
    VISAVIS_RETURN_IF_ERROR(Next());
    if (event_.type != YAML_STREAM_END_EVENT) return Bad("holds more than one document");
    return document;
  }

 private:
  Error Bad(std::string_view what) const {
    return MakeError(ErrorCode::kCorruptData, "{}: line {}: {}", where_,
                     has_event_ ? event_.start_mark.line + 1 : parser_.problem_mark.line + 1, what);
  }

  Status Next() {
    if (!started_) return MakeError(ErrorCode::kInternal, "{}: cannot start libyaml", where_);
    if (has_event_) api_.delete_event(&event_);
    has_event_ = api_.parse(&parser_, &event_) == 1;
    if (!has_event_) {
      return MakeError(ErrorCode::kCorruptData, "{}: line {}: {}", where_,
                       parser_.problem_mark.line + 1,
                       parser_.problem != nullptr ? parser_.problem : "is not YAML");
    }
    return {};
  }

  Status Count(const Json& node) {
    nodes_ += 1;
    if (node.is_string()) text_bytes_ += node.get_ref<const std::string&>().size();
    for (const auto& [key, child] : node.items()) {
      if (!node.is_structured()) break;
      text_bytes_ += node.is_object() ? key.size() : 0;
      VISAVIS_RETURN_IF_ERROR(Count(child));
    }
    return CheckCounts();
  }

  Status CheckCounts() const {
    if (nodes_ <= kMaxNodes && text_bytes_ <= kMaxTextBytes) return {};
    return MakeError(ErrorCode::kLimitExceeded,
                     "{}: more than {} nodes or {} bytes of text, aliases counted as copies",
                     where_, kMaxNodes, kMaxTextBytes);
  }

  // The node that begins with the event at hand.
  Result<Json> Node(int depth) {
    if (depth > kMaxDepth) {
      return MakeError(ErrorCode::kLimitExceeded, "{}: nested deeper than {} levels", where_,
                       kMaxDepth);
    }
    ++nodes_;
    VISAVIS_RETURN_IF_ERROR(CheckCounts());
    switch (event_.type) {
      case YAML_SCALAR_EVENT:
        return Scalar();
      case YAML_SEQUENCE_START_EVENT:
        return Sequence(depth);
      case YAML_MAPPING_START_EVENT:
        return Mapping(depth);
      case YAML_ALIAS_EVENT:
        return Alias(depth);
      default:
        return Bad("an unexpected end");
    }
  }

  Result<Json> Scalar() {
    const std::string anchor = Text(event_.data.scalar.anchor);
    Json text = std::string(reinterpret_cast<const char*>(event_.data.scalar.value),
                            event_.data.scalar.length);
    text_bytes_ += event_.data.scalar.length;
    if (!anchor.empty()) anchors_[anchor] = {text, 0};
    return text;
  }

  Result<Json> Sequence(int depth) {
    const std::string anchor = Text(event_.data.sequence_start.anchor);
    Json list = Json::array();
    for (;;) {
      VISAVIS_RETURN_IF_ERROR(Next());
      if (event_.type == YAML_SEQUENCE_END_EVENT) break;
      VISAVIS_ASSIGN_OR_RETURN(Json element, Node(depth + 1));
      list.push_back(std::move(element));
    }
    if (!anchor.empty()) anchors_[anchor] = {list, Depth(list)};
    return list;
  }

  Result<Json> Mapping(int depth) {
    const std::string anchor = Text(event_.data.mapping_start.anchor);
    Json object = Json::object();
    for (;;) {
      VISAVIS_RETURN_IF_ERROR(Next());
      if (event_.type == YAML_MAPPING_END_EVENT) break;
      if (event_.type != YAML_SCALAR_EVENT) return Bad("a key that is no text");
      VISAVIS_ASSIGN_OR_RETURN(const Json key, Scalar());
      const std::string& name = key.get_ref<const std::string&>();
      if (name == "<<") {
        return MakeError(ErrorCode::kUnsupported, "{}: line {}: merge keys are not supported",
                         where_, event_.start_mark.line + 1);
      }
      if (object.contains(name)) return Bad("the key \"" + OneLine(name) + "\" is there twice");
      VISAVIS_RETURN_IF_ERROR(Next());
      VISAVIS_ASSIGN_OR_RETURN(object[name], Node(depth + 1));
    }
    if (!anchor.empty()) anchors_[anchor] = {object, Depth(object)};
    return object;
  }

  static int Depth(const Json& node) {
    int depth = 0;
    if (!node.is_structured()) return depth;
    for (const Json& child : node) depth = std::max(depth, 1 + Depth(child));
    return depth;
  }

  Result<Json> Alias(int depth) {
    const std::string name = Text(event_.data.alias.anchor);
    const auto at = anchors_.find(name);
    if (at == anchors_.end()) return Bad("the alias *" + OneLine(name) + " refers to nothing");
    if (depth + at->second.depth > kMaxDepth) {
      return MakeError(ErrorCode::kLimitExceeded, "{}: nested deeper than {} levels", where_,
                       kMaxDepth);
    }
    VISAVIS_RETURN_IF_ERROR(Count(at->second.node));
    return at->second.node;
  }

  struct Anchor {
    Json node;
    int depth = 0;
  };

  const YamlApi& api_;
  const std::string& where_;
  yaml_parser_t parser_ = {};
  yaml_event_t event_ = {};
  bool started_ = false;
  bool has_event_ = false;
  int nodes_ = 0;
  std::size_t text_bytes_ = 0;
  std::map<std::string, Anchor> anchors_;
};

}  // namespace

Result<Json> ParseYaml(std::string_view text, const std::string& where) {
  static const Result<YamlApi> api = Open();
  if (!api) return api.error();
  if (text.size() > kMaxBytes) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: {} bytes, want at most {}", where, text.size(),
                     kMaxBytes);
  }
  return Reader(*api, text, where).Document();
}

}  // namespace visavis
