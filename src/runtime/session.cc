#include "visavis/session.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "kernels/kernels.h"
#include "model/graph/graph.h"
#include "runtime/choose_kernels.h"
#include "runtime/compile.h"
#include "runtime/plan.h"
#include "runtime/program.h"
#include "runtime/workspace.h"

namespace visavis {
namespace {

// Plans kept per session. A detector that slides over the scales of one photo needs about 15.
constexpr std::size_t kPlansKept = 64;

Session::Port PortOf(const Value& value) {
  Session::Port port{value.name, value.dtype, {}};
  if (!value.shape.has_value()) return port;
  for (const Dim& dim : *value.shape) port.shape.push_back(dim.known() ? dim.extent : -1);
  return port;
}

// The one shape a model can run at with batch 1, if its declared shape leaves no other choice.
std::optional<Shape> FixedShape(const Session::Port& port) {
  std::vector<std::int64_t> extents = port.shape;
  if (extents.empty()) return std::nullopt;
  if (extents[0] < 0) extents[0] = 1;
  if (std::ranges::any_of(extents, [](std::int64_t d) { return d < 0; })) return std::nullopt;
  return Shape(std::move(extents));
}

Status CheckInput(const Session::Port& port, bool shape_declared, const TensorView& input) {
  if (input.dtype != port.dtype) {
    return MakeError(ErrorCode::kInvalidArgument, "input '{}' is {}, want {}", port.name,
                     Name(input.dtype), Name(port.dtype));
  }
  bool fits = !shape_declared || input.shape.dims().size() == port.shape.size();
  for (std::size_t axis = 1; fits && axis < port.shape.size(); ++axis) {
    fits = port.shape[axis] < 0 || port.shape[axis] == input.shape.dims()[axis];
  }
  if (!fits) {
    return MakeError(ErrorCode::kInvalidArgument, "input '{}' has shape {}, want {} (-1: any)",
                     port.name, input.shape.ToString(), Shape(port.shape).ToString());
  }
  return {};
}

// Whether `tensor` can take a result of `type`; with `images` > 0, of that many in axis 0.
bool Holds(const Tensor& tensor, const TensorType& type, std::int64_t images) {
  if (tensor.raw() == nullptr || tensor.dtype() != type.dtype ||
      tensor.shape().rank() != type.shape.rank()) {
    return false;
  }
  for (int axis = 0; axis < type.shape.rank(); ++axis) {
    const std::int64_t wanted = images > 0 && axis == 0 ? images : type.shape[axis];
    if (tensor.shape()[axis] != wanted) return false;
  }
  return true;
}

}  // namespace

struct Session::State {
  std::string name;  // of the model, for messages
  Limits limits;
  ThreadPool* pool = nullptr;
  const KernelTable* kernels = nullptr;
  std::vector<Port> inputs;
  std::vector<bool> input_shape_declared;
  std::vector<Port> outputs;
  Program program;

  std::mutex plans_mutex;
  std::vector<std::shared_ptr<const Plan>> plans;  // most recently used first
  WorkspacePool workspaces;
  // Of one image; set if a batch may run as so many single images (see RunImages).
  std::shared_ptr<const Plan> image_plan;

  int threads() const { return pool == nullptr ? 1 : pool->threads(); }

  Error Named(const Error& error) const {
    return MakeError(error.code, "{}: {}", name, error.message);
  }

  std::shared_ptr<const Plan> FindPlan(std::span<const TensorView> views) {
    std::lock_guard lock(plans_mutex);
    const auto found = std::ranges::find_if(
        plans, [&](const std::shared_ptr<const Plan>& plan) { return plan->Matches(views); });
    if (found == plans.end()) return nullptr;
    std::rotate(plans.begin(), found, found + 1);
    return plans.front();
  }

  Result<std::shared_ptr<const Plan>> GetPlan(std::span<const TensorView> views) {
    if (std::shared_ptr<const Plan> plan = FindPlan(views); plan != nullptr) return plan;
    Result<std::unique_ptr<const Plan>> made = Plan::Create(program, views, limits, threads());
    if (!made.has_value()) return Named(made.error());
    std::shared_ptr<const Plan> plan = *std::move(made);
    std::lock_guard lock(plans_mutex);
    plans.insert(plans.begin(), plan);
    if (plans.size() > kPlansKept) plans.pop_back();
    return plan;
  }

  // Everything that needs the model itself.
  Status CompileModel(const Model& model, const SessionOptions& options) {
    name = model.path().empty() ? "model" : model.path();
    limits = options.limits;
    pool = options.pool;
    VISAVIS_ASSIGN_OR_RETURN(kernels, ChooseKernels(options.isa));
    const Graph& graph = model.graph();
    for (const ValueId id : graph.inputs) {
      inputs.push_back(PortOf(graph.value(id)));
      input_shape_declared.push_back(graph.value(id).shape.has_value());
    }
    for (const ValueId id : graph.outputs) outputs.push_back(PortOf(graph.value(id)));

    CompileContext context;
    context.limits = options.limits;
    context.kernels = kernels;
    context.precision = options.precision;
    context.low_memory = options.low_memory;
    context.threads = threads();
    context.pool = pool;
    Result<Program> compiled =
        options.reference ? CompileReference(graph, context) : Compile(graph, context);
    if (!compiled.has_value()) return Named(compiled.error());
    program = *std::move(compiled);
    return {};
  }

  // Plans ahead where the model leaves no choice of shape.
  Status PlanFixedShapes() {
    std::vector<TensorView> views;
    for (const Port& port : inputs) {
      std::optional<Shape> shape = FixedShape(port);
      // One axis: likely a list of extents or scales, whose values decide shapes.
      if (!shape.has_value() || shape->rank() < 2) return {};
      views.emplace_back(port.dtype, *std::move(shape), nullptr);
    }
    const auto plan = GetPlan(views);
    if (!plan.has_value()) return plan.error();
    const bool one_each =
        std::ranges::all_of(views, [](const TensorView& v) { return v.shape[0] == 1; }) &&
        std::ranges::all_of((*plan)->outputs(), [](const TensorType& t) {
          return t.shape.rank() > 0 && t.shape[0] == 1;
        });
    if (program.images_independent && one_each) image_plan = *plan;
    return {};
  }

  // How many images `views` hold, if they may run one by one; else 0.
  std::int64_t ImagesOf(std::span<const TensorView> views) const {
    if (image_plan == nullptr) return 0;
    const std::int64_t images = views[0].shape[0];
    const bool agreed =
        std::ranges::all_of(views, [&](const TensorView& v) { return v.shape[0] == images; });
    return agreed ? images : 0;
  }

  // A batch image by image: activations of one image stay in cache where those of a batch do not,
  // and convolutions gain nothing from a batch once their weights are streamed at full speed. From
  // as many images as threads on, each thread takes whole images; below, all share each image.
  Status RunImages(std::int64_t images, std::span<const TensorView> views,
                   std::span<Tensor> results) {
    const bool share_out = images >= threads();
    std::mutex failure_mutex;
    Status failure;
    ParallelFor(share_out ? pool : nullptr, images, [&](std::int64_t image, int /*slot*/) {
      std::unique_ptr<Workspace> workspace = workspaces.Acquire(image_plan->arena_bytes());
      const Status status = image_plan->Run(*workspace, views, results, share_out ? nullptr : pool,
                                            {}, static_cast<std::size_t>(image));
      workspaces.Release(std::move(workspace));
      if (status.has_value()) return;
      const std::lock_guard lock(failure_mutex);
      failure = status;
    });
    return failure;
  }

  Status RunBatch(const Plan& plan, std::span<const TensorView> views, std::span<Tensor> results) {
    std::unique_ptr<Workspace> workspace = workspaces.Acquire(plan.arena_bytes());
    Status status = plan.Run(*workspace, views, results, pool);
    workspaces.Release(std::move(workspace));
    return status;
  }

  Status CheckInputs(std::span<const TensorView> views) const {
    if (views.size() != inputs.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "{} inputs given, want {}", views.size(),
                       inputs.size());
    }
    for (std::size_t i = 0; i < views.size(); ++i) {
      VISAVIS_RETURN_IF_ERROR(CheckInput(inputs[i], input_shape_declared[i], views[i]));
      VISAVIS_ASSIGN_OR_RETURN(const std::int64_t elements,
                               CheckedElements(views[i].shape, limits.tensor_elements));
      if (elements > 0 && views[i].data == nullptr) {
        return MakeError(ErrorCode::kInvalidArgument, "input '{}' has no data", inputs[i].name);
      }
    }
    return {};
  }
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::Create(const Model& model, const SessionOptions& options) {
  auto state = std::make_unique<State>();
  VISAVIS_RETURN_IF_ERROR(state->CompileModel(model, options));
  VISAVIS_RETURN_IF_ERROR(state->PlanFixedShapes());
  return Session(std::move(state));
}

Result<Session> Session::Create(Model&& model, const SessionOptions& options) {
  auto state = std::make_unique<State>();
  {
    // Weights that wait for the plan to be packed then belong to the program alone.
    const Model given = std::move(model);
    VISAVIS_RETURN_IF_ERROR(state->CompileModel(given, options));
  }
  VISAVIS_RETURN_IF_ERROR(state->PlanFixedShapes());
  return Session(std::move(state));
}

const std::vector<Session::Port>& Session::inputs() const { return state_->inputs; }
const std::vector<Session::Port>& Session::outputs() const { return state_->outputs; }
std::string_view Session::isa() const { return state_->kernels->isa; }
bool Session::quantized() const { return state_->program.quantized; }

Status Session::Run(std::span<const TensorView> inputs, std::span<Tensor> outputs) const {
  State& state = *state_;
  if (Status checked = state.CheckInputs(inputs); !checked.has_value()) {
    return state.Named(checked.error());
  }
  if (outputs.size() != state.outputs.size()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: {} outputs given, want {}", state.name,
                     outputs.size(), state.outputs.size());
  }
  const std::int64_t images = state.ImagesOf(inputs);
  std::shared_ptr<const Plan> plan = state.image_plan;
  if (images == 0) {
    VISAVIS_ASSIGN_OR_RETURN(plan, state.GetPlan(inputs));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorType& type = plan->outputs()[i];
    if (Holds(outputs[i], type, images)) continue;
    Shape shape = type.shape;
    if (images > 0) shape[0] = images;
    outputs[i] = Tensor(type.dtype, std::move(shape));
  }
  const Status status = images > 0 ? state.RunImages(images, inputs, outputs)
                                   : state.RunBatch(*plan, inputs, outputs);
  if (!status.has_value()) return state.Named(status.error());
  return {};
}

}  // namespace visavis
