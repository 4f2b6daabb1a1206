"""The recipe's sections: what each stage may be told, with its default and its meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

PRECISIONS = ("fp32", "tf32", "fp16", "int8", "mixed")
MAX_SIDE = 16384  # pixels of a network's input
Precision = Literal["fp32", "tf32", "fp16", "int8", "mixed"]
Backend = Literal["auto", "tensorrt", "tensorrt-rtx", "openvino", "onnxruntime"]
Method = Literal["minmax", "entropy", "percentile", "mse"]


class Section(BaseModel):
    """Frozen; unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Arch(Section):
    """A variant of the zoo and the arguments of its constructor.

    Attributes:
        name: As `edgecv zoo` lists it.
        args: Constructor arguments.
        widths: What pruning left (`edgecv prune` writes it): layer -> [channels in, channels out,
            groups] of a convolution or dense layer, [channels] of a normalisation. Layers not
            named are as the variant has them.
    """

    name: str
    args: dict[str, bool | int | float | str | list[int] | list[str]] = {}
    widths: dict[str, list[int]] = {}


class ForeignModel(Section):
    """An ONNX file that edgecv did not export.

    Attributes:
        file: The file, relative to the recipe's folder or absolute.
        input: Name of the image input; empty: the only one the graph has.
    """

    file: Path
    input: str = ""


class Input(Section):
    """What the network wants to see, and how an image becomes that.

    value = (pixel - mean) / std, with pixel in 0..255, in the order of `color`.

    Attributes:
        size: (height, width) in pixels.
        color: Channel order the network was trained with.
        mean: Per channel (in `color` order), in 0..255 units.
        std: Per channel, in 0..255 units.
        resize: `letterbox` keeps the aspect ratio and pads with `pad` (centred); `stretch` does
            not keep it; `crop` scales the shorter side to size / `crop_ratio` and cuts the centre.
        interpolation: `linear` is OpenCV's 11-bit uint8 bilinear; `antialias` is the triangle
            filter that torchvision and timm weights were trained with; `area` is OpenCV's.
        pad: Grey level of the padding, 0..255.
        crop_ratio: For `crop`: size / resized shorter side.
        matrix: YUV matrix of video sources whose stream does not say (BT.601 or BT.709).
        range: YUV range of video sources whose stream does not say.
    """

    size: tuple[int, int]
    color: Literal["rgb", "bgr", "gray"] = "rgb"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (255.0, 255.0, 255.0)
    resize: Literal["letterbox", "stretch", "crop"] = "letterbox"
    interpolation: Literal["linear", "antialias", "area"] = "linear"
    pad: int = Field(114, ge=0, le=255)
    crop_ratio: float = Field(0.875, gt=0, le=1)
    matrix: Literal["601", "709"] = "601"
    range: Literal["limited", "full"] = "limited"

    @property
    def channels(self) -> int:
        """Number of input channels: 1 for gray, else 3."""
        return 1 if self.color == "gray" else 3

    @model_validator(mode="after")
    def _consistent(self) -> Input:
        if not all(1 <= side <= MAX_SIDE for side in self.size):
            raise ValueError(f"size: height and width must be 1..{MAX_SIDE} pixels")
        for name in ("mean", "std"):
            if len(getattr(self, name)) != self.channels:
                raise ValueError(f"{name}: needs {self.channels} values for color {self.color}")
        if any(value <= 0 for value in self.std):
            raise ValueError("std: every value must be > 0")
        return self


class Data(Section):
    """Labelled pictures.

    Attributes:
        format: `scenes` and `digits` are built in; `imagefolder` is root/<split>/<class>/*.jpg,
            or root/<class>/*.jpg split by hash; `cifar` is the binary version of CIFAR-10 or
            CIFAR-100; `coco` is COCO JSON.
        root: Folder of the data set, relative to the recipe; none for the built-in ones.
        seed: Seed of the built-in ones and of splits made by hash.
        train: Number of training samples; 0 means all there are (built-in: an endless stream
            is not offered, so give a number).
        val: Number of held-out samples, likewise.
        train_images: coco: folder of training images, relative to root.
        train_annotations: coco: training JSON, relative to root.
        val_images: coco: folder of held-out images.
        val_annotations: coco: held-out JSON; without it images are split by hash.
        val_share: Share of images held out where the layout has no split of its own.
        options: Options of a built-in set (e.g. scene size), checked by it.
    """

    format: Literal["scenes", "digits", "imagefolder", "cifar", "coco"]
    root: Path | None = None
    seed: int = Field(0, ge=0)
    train: int = Field(0, ge=0)
    val: int = Field(0, ge=0)
    train_images: Path | None = None
    train_annotations: Path | None = None
    val_images: Path | None = None
    val_annotations: Path | None = None
    val_share: float = Field(0.1, gt=0, lt=1)
    options: dict[str, bool | int | float | str] = {}


class Train(Section):
    """How to train.

    Attributes:
        steps: Optimizer steps.
        batch: Images per step.
        optimizer: `adamw` or `sgd` (momentum 0.9, Nesterov).
        lr: Peak learning rate.
        weight_decay: Not applied to biases and normalisation weights.
        schedule: `cosine` (to 0 after warm-up) or `onecycle`.
        warmup: Share of steps spent warming up.
        ema: Decay of the exponential moving average of the weights; 0 switches it off.
        precision: `auto` takes bf16 where the device has it in hardware, else fp32.
        clip: Gradient-norm limit; 0 switches it off.
        seed: Seed of initialisation, order and augmentation.
        augment: Names of augmentations, applied in order.
        label_smoothing: For classifiers.
        keep_zeros: Weights that are exactly 0 at the start stay 0: retraining of pruned networks.
        mixup: For classifiers: pictures are blended in pairs with a share drawn from
            Beta(mixup, mixup); 0 switches it off.
        init: Weights to start from (.safetensors, .pth), relative to the recipe; none: from
            scratch. Of other classes: the layers that give the classes start fresh.
        every: Steps between checkpoints.
        workers: Loader processes.
        cache: Keep each sample in memory once it was made or read (in each loader process).
    """

    steps: int = Field(ge=1)
    batch: int = Field(32, ge=1)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    schedule: Literal["cosine", "onecycle"] = "cosine"
    warmup: float = Field(0.1, ge=0, lt=1)
    ema: float = Field(0.0, ge=0, lt=1)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    clip: float = Field(0.0, ge=0)
    seed: int = Field(0, ge=0)
    augment: tuple[str, ...] = ()
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    mixup: float = Field(0.0, ge=0)
    keep_zeros: bool = False
    init: Path | None = None
    every: int = Field(200, ge=1)
    workers: int = Field(0, ge=0)
    cache: bool = False


class Export(Section):
    """How the ONNX file is written.

    Attributes:
        opset: 18..25 from torch's dynamo exporter; 17 takes the form TensorRT 8.5/8.6 parse.
        batch: A fixed batch size, or (min, opt, max) for a dynamic one.
        simplify: Which simplifier runs on the exported graph.
        parity_images: Real inputs on which torch and ONNX Runtime are compared.
        parity: Largest allowed |difference| relative to the largest |value| of an output.
    """

    opset: int = Field(20, ge=17, le=25)
    batch: int | tuple[int, int, int] = 1
    simplify: Literal["onnxsim", "onnxslim", "none"] = "onnxslim"
    parity_images: int = Field(8, ge=1)
    parity: float = Field(1e-4, gt=0)

    @model_validator(mode="after")
    def _batch_is_ordered(self) -> Export:
        low, opt, high = self.batches
        if not 1 <= low <= opt <= high:
            raise ValueError("batch: must be >= 1, and min <= opt <= max")
        return self

    @property
    def batches(self) -> tuple[int, int, int]:
        """(min, opt, max) batch sizes."""
        return self.batch if isinstance(self.batch, tuple) else (self.batch,) * 3


class Calibrate(Section):
    """How activation ranges are measured.

    Attributes:
        method: `minmax`, `entropy` (KL divergence), `percentile` or `mse`.
        images: Number of images taken from the training split (never from the held-out one).
        batch: Images per forward pass, where the model's batch is dynamic.
        percentile: For `percentile`: share of |values| kept, in percent.
    """

    method: Method = "mse"
    images: int = Field(256, ge=1)
    batch: int = Field(1, ge=1)
    percentile: float = Field(99.99, gt=50, le=100)


class Build(Section):
    """How an engine is built.

    Attributes:
        precision: What the engine is asked to run in; the CLI's --precision overrides it. There is
            no default: a build never picks a precision by itself.
        backend: Which engine; `auto` measures what this machine has.
        rest: For int8 and mixed: precision of what is not int8.
        keep: Node names (globs) kept in `rest` precision (mixed: must name at least one).
        targets: TensorRT-RTX compute capabilities to build for.
        workspace_mib: TensorRT workspace limit; 0: from the memory that is free.
        optimization_level: TensorRT builder optimization level 0..5; -1: TensorRT's default.
        aux_streams: Streams of its own a TensorRT engine may compute on beside the caller's; 0 when
            many frames compute at once; -1: TensorRT's choice.
        timing_cache: File shared by TensorRT builds; empty: in the user's cache folder.
        sparse: Let TensorRT use its kernels for weights of which 2 in every 4 are 0; it takes them
            where they are faster.
        version_compatible: Build for newer TensorRT versions too (8.6+; embeds the lean runtime).
        hardware_compatibility: `none`, `ampere_plus` or `same_compute_capability`.
        dla_core: DLA core to build for; -1: none.
        gpu_fallback: With a DLA core: layers it cannot run go to the GPU.
        tolerance: Self-test limit: largest |difference| from the golden output, relative to
            the largest |golden| value.
    """

    precision: Precision | None = None
    backend: Backend = "auto"
    rest: Literal["fp32", "fp16"] = "fp32"
    keep: tuple[str, ...] = ()
    targets: tuple[str, ...] = ("sm86", "sm89", "sm120")
    workspace_mib: int = Field(0, ge=0)
    optimization_level: int = Field(-1, ge=-1, le=5)
    aux_streams: int = Field(-1, ge=-1)
    timing_cache: str = ""
    sparse: bool = False
    version_compatible: bool = False
    hardware_compatibility: Literal["none", "ampere_plus", "same_compute_capability"] = "none"
    dla_core: int = Field(-1, ge=-1)
    gpu_fallback: bool = True
    tolerance: float | None = Field(None, gt=0)


class Run(Section):
    """How results are drawn: `line_width` in pixels."""

    line_width: int = Field(2, ge=1)


class Evaluate(Section):
    """How accuracy is judged.

    Attributes:
        images: Held-out images to judge on; 0: all.
        score: For detectors: candidates above this score enter the curve.
        resamples: Bootstrap resamples behind the confidence interval.
    """

    images: int = Field(0, ge=0)
    score: float = Field(0.01, ge=0, le=1)
    resamples: int = Field(200, ge=0)


class Bench(Section):
    """How latency is measured."""

    warmup: int = Field(20, ge=0)
    frames: int = Field(200, ge=1)
    streams: int = Field(1, ge=1)
    threads: int = Field(0, ge=0)
    source_size: tuple[int, int] = (1080, 1920)


class Report(Section):
    """How the model is called in reports; empty: by its run id."""

    title: str = ""
