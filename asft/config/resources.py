"""What a job asks of a cluster, from the size of its model. Used while the Snakefile is parsed.

Upper estimates for the first attempt; a job that was killed asks for a multiple. Memory is that of
the node: where GPUs compute, weights only pass through it. Sizes are in billions of parameters,
so a byte per parameter is 1000 MB.
"""

BASE_MB = 1000  # Python with torch and transformers, with room
CUDA_MB = 3000  # more of it where torch brings CUDA's libraries and pinned buffers
# Minutes for a billion parameters. Few, on a recent data-centre GPU, for the paper's 60,000 pairs
# over 2 epochs and 1,000 questions; a CPU gets through far less data in far more time.
TRAIN_MINUTES = {"gpu": 120, "cpu": 2400}
ANSWER_MINUTES = {"gpu": 30, "cpu": 1200}
LEAST_MINUTES = 60


# TRL pads a step's pairs to the longest and computes them at once: 9.4 GB measured where ours asks
# for 5.4.
BY_TRL = 2


def training_mb(
    billions: float,
    token_budget: int | str,
    gpus: int,
    *,
    by_trl: bool = False,
    second_model: bool = False,
) -> int:
    """Estimate training's memory in MB: weights, gradients, Adam's two moments in fp32, one row.

    A reference model beside the policy is fp32 weights more. A row's activations grow with its
    tokens and with width × depth, which grows as the 2/3 power of the size: 2 bytes ×
    (parameters ** 2/3) per token, 0.5 MB for 135 million parameters.
    """
    beside = 4000 * billions if second_model else 0
    if gpus:
        # fp32 on its way in, bf16 on its way out
        return _mb(BASE_MB + CUDA_MB + 6000 * billions + beside)
    # `auto` takes what there is, up to so many (asft/training/token_budget.py).
    tokens = 4096 if isinstance(token_budget, str) else token_budget
    row = tokens * 2 * (billions * 1e9) ** (2 / 3) / 1e6
    return _mb((BASE_MB + 16_000 * billions + row) * (BY_TRL if by_trl else 1) + beside)


def inference_mb(billions: float, gpus: int) -> int:
    """Estimate the memory in MB of a model that answers or judges: fp32 weights, as much again."""
    return _mb(BASE_MB + (CUDA_MB if gpus else 500) + 8000 * billions)


def training_minutes(billions: float, gpus: int) -> int:
    """Estimate the minutes of one training run."""
    return LEAST_MINUTES + round(TRAIN_MINUTES["gpu" if gpus else "cpu"] * billions)


def inference_minutes(billions: float, gpus: int) -> int:
    """Estimate the minutes of a policy's answers to a benchmark, or a model's verdicts on them."""
    return LEAST_MINUTES + round(ANSWER_MINUTES["gpu" if gpus else "cpu"] * billions)


def _mb(exact: float) -> int:
    return -(-int(exact) // 100) * 100
