#include "runtime/plan.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "runtime/arena.h"
#include "runtime/evaluate.h"

namespace visavis {
namespace {

// Caller's inputs up to this size can decide shapes (Reshape's shape, Resize's scales, ...).
constexpr std::int64_t kSmallInput = 1024;
// What is folded while planning is shape arithmetic; larger results wait for the run.
constexpr std::size_t kFoldBytes = 64u << 10;

// The first base of a run is the arena; the caller's inputs and outputs follow.
constexpr int kArenaBase = 0;
int InputBase(std::size_t i) { return 1 + static_cast<int>(i); }

// A caller's empty tensor may have no memory; steps still get an address.
std::byte* NotNull(const void* data) {
  alignas(ArenaLayout::kAlignment) static constexpr std::byte kEmpty[ArenaLayout::kAlignment]{};
  return static_cast<std::byte*>(const_cast<void*>(data == nullptr ? kEmpty : data));
}

std::int64_t Bytes(const Storage& storage) { return static_cast<std::int64_t>(storage.bytes); }

std::size_t Bytes(const TensorType& type) {
  return static_cast<std::size_t>(type.shape.elements()) * SizeOf(type.dtype);
}

bool SameBytes(const Tensor& a, const TensorView& b) {
  return a.size_bytes() == 0 || std::memcmp(a.raw(), b.data, a.size_bytes()) == 0;
}

}  // namespace

/// Makes one plan: types first, then which steps are needed, then where values live.
class PlanBuilder {
 public:
  PlanBuilder(const Program& program, const Limits& limits, int threads, const StripBudget& budget)
      : program_(program),
        limits_(limits),
        threads_(threads),
        budget_(budget),
        plan_(new Plan()),
        values_(program.values.size()) {}

  Result<std::unique_ptr<const Plan>> Build(std::span<const TensorView> inputs) {
    VISAVIS_RETURN_IF_ERROR(TakeInputs(inputs));
    for (const ProgramNode& node : program_.nodes) {
      Status status = PlanNode(node);
      if (!status.has_value()) {
        return MakeError(status.error().code, "{}: {}", node.name, status.error().message);
      }
    }
    VISAVIS_RETURN_IF_ERROR(CheckOutputs());
    DropUnneeded();
    MakeSteps();
    LinkChains();
    FindLifetimes();
    VISAVIS_RETURN_IF_ERROR(Place());
    return std::move(plan_);
  }

 private:
  struct PlannedValue {
    TensorType type;
    Storage storage;
    const Tensor* known = nullptr;  // constant, folded, or a small input of the caller
    int caller = -1;                // index of the caller's input it is, if any
    bool defined = false;
    bool needed = false;
    // The value whose memory this one is seen through (itself unless a view or overwritten).
    ValueId root = kNoValue;
    // Of roots:
    int last_use = -1;  // index of the last step that reads it
    bool in_arena = false;
    Location location;  // set: fixed or has a base
  };
  // A node that is neither folded nor yet known to be unneeded; later a step of one or more nodes.
  struct Pending {
    const ProgramNode* node = nullptr;  // of a chain, the last one
    std::shared_ptr<const NodeTypes> types;
    std::size_t scratch_bytes = 0;
    std::vector<ValueId> inputs;
    std::string name;
    std::string op_type;
    bool needed = false;
    std::shared_ptr<const Step> step;
  };
  struct UsedFlag {
    bool used = false;
  };

  PlannedValue& value(ValueId id) { return values_[static_cast<std::size_t>(id)]; }
  ValueId RootOf(ValueId id) {
    while (value(id).root != id) id = value(id).root;
    return id;
  }
  PlannedValue& root(ValueId id) { return value(RootOf(id)); }

  Status TakeInputs(std::span<const TensorView> inputs) {
    if (inputs.size() != program_.inputs.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "{} inputs given, want {}", inputs.size(),
                       program_.inputs.size());
    }
    for (std::size_t i = 0; i < program_.values.size(); ++i) {
      const Tensor* constant = program_.values[i].constant.get();
      if (constant == nullptr) continue;
      Define(static_cast<ValueId>(i), TensorType{constant->dtype(), constant->shape()}, constant);
    }
    plan_->inputs_.resize(inputs.size());
    used_.resize(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      VISAVIS_ASSIGN_OR_RETURN(const std::int64_t elements,
                               CheckedElements(inputs[i].shape, limits_.tensor_elements));
      if (inputs[i].shape.rank() > kMaxRank) {
        return MakeError(ErrorCode::kUnsupported, "input {} has rank {}, want at most {}", i,
                         inputs[i].shape.rank(), kMaxRank);
      }
      TensorType type{inputs[i].dtype, inputs[i].shape};
      std::optional<Tensor>& copy = plan_->inputs_[i].value;
      if (elements <= kSmallInput && inputs[i].data != nullptr) {
        copy.emplace(type.dtype, type.shape);
        if (elements > 0) std::memcpy(copy->raw(), inputs[i].data, copy->size_bytes());
      }
      const ValueId id = program_.inputs[i];
      Define(id, type, copy.has_value() ? &*copy : nullptr);
      value(id).caller = static_cast<int>(i);
      value(id).location = Location{nullptr, InputBase(i), 0};
      plan_->inputs_[i].type = std::move(type);
    }
    return {};
  }

  void Define(ValueId id, TensorType type, const Tensor* known) {
    PlannedValue& v = value(id);
    v.storage.dtype = type.dtype;
    v.storage.bytes = static_cast<std::size_t>(type.shape.elements()) * SizeOf(type.dtype);
    v.type = std::move(type);
    v.known = known;
    v.defined = true;
    v.root = id;
    v.location.fixed = known == nullptr ? nullptr : static_cast<const std::byte*>(known->raw());
  }

  Status PlanNode(const ProgramNode& node) {
    infer_inputs_.assign(node.inputs.size(), {});
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue) continue;
      PlannedValue& v = value(node.inputs[i]);
      VISAVIS_CHECK(v.defined);
      infer_inputs_[i].type = &v.type;
      infer_inputs_[i].storage = &v.storage;
      infer_inputs_[i].value = v.known;
      if (v.caller >= 0) {
        infer_inputs_[i].value_used = &used_[static_cast<std::size_t>(v.caller)].used;
      }
    }
    infer_outputs_.assign(node.outputs.size(), {});
    InferContext context(infer_inputs_, infer_outputs_, limits_, threads_);
    VISAVIS_RETURN_IF_ERROR(InferOutputs(*node.op, context));
    std::unique_ptr<NodeTypes> types = TakeTypes(context);
    if (CanFold(node, *types, context.scratch_bytes())) {
      return FoldNode(node, *types, context.scratch_bytes());
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      PlannedValue& v = value(node.outputs[i]);
      v.type = types->outputs[i];
      v.storage = types->output_storage[i];
      v.defined = true;
      v.root = node.op->is_view() && i == 0 ? node.inputs[0] : node.outputs[i];
    }
    pending_.push_back(Pending{&node, std::move(types), context.scratch_bytes(), node.inputs,
                               node.name, node.op_type, false, nullptr});
    return {};
  }

  // What Infer saw and declared, to live as long as the plan.
  std::unique_ptr<NodeTypes> TakeTypes(InferContext& context) {
    auto types = std::make_unique<NodeTypes>();
    types->integers = context.TakeIntegers();
    types->floats = context.TakeFloats();
    for (const InferContext::Input& input : infer_inputs_) {
      types->inputs.push_back(input.type == nullptr ? TensorType{} : *input.type);
      types->input_storage.push_back(input.storage == nullptr ? Storage{} : *input.storage);
    }
    for (InferContext::Output& output : infer_outputs_) {
      types->outputs.push_back(std::move(output.type));
      types->output_storage.push_back(output.storage);
    }
    return types;
  }

  // Shape arithmetic: small results of inputs that are the same for every run of this plan.
  bool CanFold(const ProgramNode& node, const NodeTypes& types, std::size_t scratch_bytes) {
    if (!node.op->reads_only_shapes()) {
      for (const ValueId id : node.inputs) {
        if (id == kNoValue) continue;
        if (value(id).known == nullptr || value(id).caller >= 0) return false;
      }
    }
    std::size_t bytes = scratch_bytes;
    for (const Storage& storage : types.output_storage) {
      if (storage.layout != Layout::kDense) return false;
      bytes += storage.bytes;
    }
    return bytes <= kFoldBytes;
  }

  Status FoldNode(const ProgramNode& node, const NodeTypes& types, std::size_t scratch_bytes) {
    Result<std::vector<Tensor>> results = EvaluateKnown(node, types, scratch_bytes);
    if (!results.has_value()) return std::move(results).error();
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      plan_->folded_.push_back(std::make_unique<const Tensor>(std::move((*results)[i])));
      const Tensor* result = plan_->folded_.back().get();
      Define(node.outputs[i], TensorType{result->dtype(), result->shape()}, result);
    }
    return {};
  }

  // Inputs that only lend their shapes have no address.
  Result<std::vector<Tensor>> EvaluateKnown(const ProgramNode& node, const NodeTypes& types,
                                            std::size_t scratch_bytes) {
    std::vector<const void*> inputs;
    for (const ValueId id : node.inputs) {
      const Tensor* known = id == kNoValue ? nullptr : value(id).known;
      inputs.push_back(known == nullptr ? nullptr : known->raw());
    }
    return RunOnce(*node.op, types, inputs, scratch_bytes);
  }

  Status CheckOutputs() {
    for (const ValueId id : program_.outputs) {
      const PlannedValue& v = value(id);
      VISAVIS_CHECK(v.defined && v.storage.layout == Layout::kDense);
      plan_->output_types_.push_back(v.type);
    }
    return {};
  }

  void DropUnneeded() {
    for (const ValueId id : program_.outputs) value(id).needed = true;
    for (auto it = pending_.rbegin(); it != pending_.rend(); ++it) {
      for (const ValueId id : it->node->outputs) {
        if (id != kNoValue && value(id).needed) it->needed = true;
      }
      if (!it->needed) continue;
      for (const ValueId id : it->inputs) {
        if (id != kNoValue) value(id).needed = true;
      }
    }
    std::erase_if(pending_, [](const Pending& p) { return !p.needed || p.node->op->is_view(); });
  }

  void MakeSteps() {
    for (Pending& pending : pending_) pending.step = pending.node->op->MakeStep(*pending.types);
  }

  // Successive steps that are better run by strips of rows become one.
  void LinkChains() {
    std::vector<int> reads(values_.size(), 0);
    const auto count = [&](ValueId id) {
      if (id != kNoValue) ++reads[static_cast<std::size_t>(RootOf(id))];
    };
    for (const Pending& pending : pending_) std::ranges::for_each(pending.inputs, count);
    std::ranges::for_each(program_.outputs, count);

    std::vector<Pending> steps;
    for (std::size_t begin = 0; begin < pending_.size();) {
      std::vector<ChainLink> links;
      for (std::size_t i = begin; i < pending_.size(); ++i) {
        const Pending& p = pending_[i];
        if (i > begin && !Continues(pending_[i - 1], p, reads)) break;
        links.push_back(ChainLink{p.types, p.step});
        if (p.step->rows() == nullptr) break;
      }
      if (links.size() > 1 && links.back().step->rows() == nullptr) links.pop_back();
      for (const std::size_t length : CutIntoChains(links, budget_)) {
        steps.push_back(Chain(std::span(pending_).subspan(begin, length)));
        begin += length;
      }
    }
    pending_ = std::move(steps);
  }

  // One step of several.
  Pending Chain(std::span<Pending> steps) {
    Pending chain = std::move(steps.back());
    if (steps.size() == 1) return chain;
    steps.back().types = chain.types;
    steps.back().step = chain.step;
    std::vector<ChainLink> links;
    std::string names;
    for (const Pending& p : steps) links.push_back(ChainLink{p.types, p.step});
    for (const Pending& p : steps.first(steps.size() - 1)) names += p.name + " + ";
    chain.name.insert(0, names);
    chain.op_type = "Chain";
    chain.inputs = std::move(steps.front().inputs);
    auto types = std::make_shared<NodeTypes>(*chain.types);
    types->inputs = links.front().types->inputs;
    types->input_storage = links.front().types->input_storage;
    chain.types = std::move(types);
    chain.scratch_bytes = StripChainScratch(links, budget_, threads_);
    chain.step = MakeStripChain(std::move(links), budget_, threads_);
    return chain;
  }

  // Whether `next` reads nothing but the output of `step`, which nobody else reads.
  bool Continues(const Pending& step, const Pending& next, const std::vector<int>& reads) {
    const ValueId id = step.node->outputs[0];
    return step.node->outputs.size() == 1 && id != kNoValue && next.inputs.size() == 1 &&
           next.inputs[0] == id && value(id).root == id && reads[static_cast<std::size_t>(id)] == 1;
  }

  // Also gives computed outputs their place: the caller's memory.
  void FindLifetimes() {
    for (std::size_t s = 0; s < pending_.size(); ++s) {
      for (const ValueId id : pending_[s].inputs) {
        if (id != kNoValue) root(id).last_use = static_cast<int>(s);
      }
    }
    for (std::size_t k = 0; k < program_.outputs.size(); ++k) {
      PlannedValue& r = root(program_.outputs[k]);
      const bool placed = r.location.fixed != nullptr || r.location.base >= 0;
      if (placed) {
        plan_->copies_.push_back(Plan::OutputCopy{r.location, k});
      } else {
        r.location.base = OutputBase(k);
      }
    }
  }

  Status Place() {
    plan_->steps_.reserve(pending_.size());
    for (std::size_t s = 0; s < pending_.size(); ++s) PlaceStep(static_cast<int>(s));
    plan_->arena_bytes_ = arena_.size();
    if (arena_.size() > static_cast<std::size_t>(limits_.arena_bytes)) {
      return MakeError(ErrorCode::kLimitExceeded, "activations need {} bytes, want at most {}",
                       arena_.size(), limits_.arena_bytes);
    }
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (!used_[i].used) plan_->inputs_[i].value.reset();
    }
    return {};
  }

  void PlaceStep(int s) {
    Pending& pending = pending_[static_cast<std::size_t>(s)];
    const std::vector<ValueId>& outputs = pending.node->outputs;
    OverwriteInput(pending, s);
    for (const ValueId id : outputs) {
      if (id != kNoValue) PlaceOutput(id);
    }
    Plan::PlannedStep step;
    if (pending.scratch_bytes > 0) {
      const std::size_t offset = arena_.Allocate(pending.scratch_bytes);
      arena_.Free(offset, pending.scratch_bytes);
      step.scratch = Location{nullptr, kArenaBase, offset};
    }
    for (const ValueId id : pending.inputs) step.inputs.push_back(LocationOf(id));
    for (const ValueId id : outputs) step.outputs.push_back(LocationOf(id));
    step.types = pending.types;
    step.step = pending.step;
    step.name = std::move(pending.name);
    step.op_type = std::move(pending.op_type);
    plan_->steps_.push_back(std::move(step));

    for (const ValueId id : pending.inputs) FreeAfter(id, s);
    for (const ValueId id : outputs) FreeAfter(id, s);
  }

  Location LocationOf(ValueId id) { return id == kNoValue ? Location{} : root(id).location; }

  // Lets output 0 take over the memory of an input that dies here.
  void OverwriteInput(const Pending& pending, int s) {
    const ProgramNode& node = *pending.node;
    if (pending.inputs != node.inputs) return;  // a chain
    if (node.outputs.empty() || node.outputs[0] == kNoValue) return;
    PlannedValue& out = value(node.outputs[0]);
    if (out.location.base >= 0) return;  // goes straight to the caller
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue || !node.op->may_overwrite(static_cast<int>(i))) continue;
      PlannedValue& in = root(node.inputs[i]);
      if (!in.in_arena || in.last_use != s || in.storage.bytes != out.storage.bytes ||
          in.storage.layout != out.storage.layout ||
          SizeOf(in.storage.dtype) != SizeOf(out.storage.dtype) || SharedByOthers(node, i)) {
        continue;
      }
      out.root = value(node.inputs[i]).root;
      in.last_use = std::max(s, out.last_use);
      return;
    }
  }

  // Whether another input than `i` sees the same memory in another shape.
  bool SharedByOthers(const ProgramNode& node, std::size_t i) {
    for (const ValueId id : node.inputs) {
      if (id != kNoValue && id != node.inputs[i] && &root(id) == &root(node.inputs[i])) return true;
    }
    return false;
  }

  void PlaceOutput(ValueId id) {
    PlannedValue& v = value(id);
    if (v.root != id || v.location.base >= 0) return;
    v.location = Location{nullptr, kArenaBase, arena_.Allocate(v.storage.bytes)};
    v.in_arena = true;
  }

  void FreeAfter(ValueId id, int s) {
    if (id == kNoValue) return;
    PlannedValue& r = root(id);
    if (!r.in_arena || r.last_use > s) return;
    arena_.Free(r.location.offset, r.storage.bytes);
    r.in_arena = false;
  }

  int OutputBase(std::size_t k) const { return InputBase(program_.inputs.size() + k); }

  const Program& program_;
  const Limits& limits_;
  const int threads_;
  const StripBudget budget_;
  std::unique_ptr<Plan> plan_;
  std::vector<PlannedValue> values_;
  std::vector<UsedFlag> used_;
  std::vector<Pending> pending_;
  std::vector<InferContext::Input> infer_inputs_;
  std::vector<InferContext::Output> infer_outputs_;
  ArenaLayout arena_;
};

Result<std::unique_ptr<const Plan>> Plan::Create(const Program& program,
                                                 std::span<const TensorView> inputs,
                                                 const Limits& limits, int threads,
                                                 const StripBudget& budget) {
  return PlanBuilder(program, limits, threads, budget).Build(inputs);
}

bool Plan::Matches(std::span<const TensorView> inputs) const {
  if (inputs.size() != inputs_.size()) return false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const CallerInput& planned = inputs_[i];
    if (planned.type.dtype != inputs[i].dtype || planned.type.shape != inputs[i].shape) {
      return false;
    }
    if (planned.value.has_value() && !SameBytes(*planned.value, inputs[i])) return false;
  }
  return true;
}

Status Plan::Run(Workspace& workspace, std::span<const TensorView> inputs,
                 std::span<Tensor> outputs, ThreadPool* pool, std::span<double> step_ns,
                 std::size_t part) const {
  VISAVIS_RETURN_IF_ERROR(workspace.Prepare(arena_bytes_, 1 + inputs.size() + outputs.size()));
  std::byte** bases = workspace.bases();
  std::byte** next = bases;
  *next++ = workspace.arena();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    *next++ = NotNull(inputs[i].data) + part * Bytes(inputs_[i].type);
  }
  std::byte** const output_bases = next;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    *next++ = static_cast<std::byte*>(outputs[k].raw()) + part * Bytes(output_types_[k]);
  }

  for (std::size_t s = 0; s < steps_.size(); ++s) {
    const PlannedStep& step = steps_[s];
    const StepContext context(bases, step.inputs.data(), step.outputs.data(), step.scratch, pool);
    const auto start = std::chrono::steady_clock::now();
    Status status = step.step->Run(context);
    if (!status.has_value()) {
      return MakeError(status.error().code, "{}: {}", step.name, status.error().message);
    }
    if (!step_ns.empty()) {
      step_ns[s] =
          std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start)
              .count();
    }
  }
  for (const OutputCopy& copy : copies_) {
    const std::byte* from =
        copy.from.fixed != nullptr ? copy.from.fixed : bases[copy.from.base] + copy.from.offset;
    const std::size_t bytes = Bytes(output_types_[copy.output]);
    if (bytes > 0) std::memcpy(output_bases[copy.output], from, bytes);
  }
  return {};
}

std::vector<StepInfo> Plan::Describe() const {
  std::vector<StepInfo> infos;
  for (const PlannedStep& step : steps_) {
    StepInfo info = step.step->Describe();
    info.node = step.name;
    info.op_type = step.op_type;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      if (step.inputs[i].fixed == nullptr && step.inputs[i].base < 0) continue;  // left out
      info.inputs.push_back(step.types->inputs[i].shape.ToString());
      if (step.inputs[i].fixed == nullptr) info.read_bytes += Bytes(step.types->input_storage[i]);
    }
    for (std::size_t i = 0; i < step.outputs.size(); ++i) {
      info.outputs.push_back(step.types->outputs[i].shape.ToString());
      info.write_bytes += Bytes(step.types->output_storage[i]);
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

}  // namespace visavis
