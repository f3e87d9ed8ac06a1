"""What bench_peers.sh measures, and the goals that visavis has there."""

import dataclasses

ALL = ("onnxruntime", "openvino-f32", "opencv", "ncnn", "openvino", "ncnn-bf16")
SOME = ("onnxruntime", "openvino-f32")  # where a whole table would take too long


@dataclasses.dataclass(frozen=True)
class Ours:
    """visavis in one setting."""
    precision: str = "fp32"
    low_memory: bool = False
    threads: int = 0  # 0: as the case says

    @property
    def name(self):
        return (f"visavis-{self.precision}" + ("-low-memory" if self.low_memory else "")
                + (f"-{self.threads}" if self.threads else ""))

    @property
    def label(self):
        return ("**visavis**" + (", low memory" if self.low_memory else "")
                + (f", {self.threads} thread" if self.threads else ""))


@dataclasses.dataclass(frozen=True)
class Goal:
    """`faster` is to take `ratio` times less time than `slower`."""
    title: str
    faster: str
    ratio: float
    slower: str = "onnxruntime"


@dataclasses.dataclass(frozen=True)
class Case:
    title: str
    file: str
    shape: tuple
    ours: tuple = (Ours(), Ours("bf16"))
    peers: tuple = ALL
    threads: int = 1
    goals: tuple = ()


FACE = (3, 112, 112)
PHOTO = (1, 3, 480, 640)

CASES = (
    Case("LResNet100E-IR", "lresnet100e-ir.onnx", (1, *FACE),
         ours=(Ours(), Ours(low_memory=True), Ours("fp32-high"), Ours("bf16")),
         goals=(Goal("LResNet100E-IR", "visavis-fp32", 2.2),
                Goal("LResNet100E-IR, low memory", "visavis-fp32-low-memory", 1.9),
                Goal("LResNet100E-IR, bf16", "visavis-bf16", 4.3))),
    Case("LResNet100E-IR, batch 8", "lresnet100e-ir.onnx", (8, *FACE), peers=SOME,
         goals=(Goal("LResNet100E-IR, batch 8", "visavis-fp32", 2.2),)),
    Case("LResNet100E-IR, one image on two threads", "lresnet100e-ir.onnx", (1, *FACE),
         ours=(Ours(), Ours(threads=1)), peers=SOME, threads=2,
         goals=(Goal("LResNet100E-IR, 2 threads", "visavis-fp32", 1.75, "visavis-fp32-1"),)),
    Case("MobileFaceNet", "mobilefacenet.onnx", (1, *FACE),
         ours=(Ours(), Ours("fp32-high"), Ours("bf16")),
         goals=(Goal("MobileFaceNet", "visavis-fp32", 3.1),
                Goal("MobileFaceNet, bf16", "visavis-bf16", 5.5))),
    Case("MobileFaceNet, batch 8 on two threads", "mobilefacenet.onnx", (8, *FACE),
         ours=(Ours(), Ours(threads=1)), peers=SOME, threads=2,
         goals=(Goal("MobileFaceNet, batch 8, 2 threads", "visavis-fp32", 1.9,
                     "visavis-fp32-1"),)),
    Case("SCRFD-500M", "scrfd_500m_bnkps.onnx", PHOTO,
         goals=(Goal("SCRFD-500M", "visavis-fp32", 1.6),)),
    Case("SCRFD-2.5G", "scrfd_2.5g_bnkps.onnx", PHOTO,
         goals=(Goal("SCRFD-2.5G", "visavis-fp32", 2.2),)),
    Case("YuNet-n", "yunet_n_dynamic.onnx", PHOTO,
         goals=(Goal("YuNet-n", "visavis-fp32", 1.2),)),
)
