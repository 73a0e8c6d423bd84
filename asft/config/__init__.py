"""The experiment: its keys, their checks, what tables, figures and report ask for. No torch."""

from asft.config.benchmarks import Benchmark
from asft.config.chains import starts_named
from asft.config.data import CHAT_TEMPLATES, PARTS, Dataset, Model, Tokens
from asft.config.experiment import Config, Statistics, json_schema
from asft.config.fields import Section
from asft.config.figure_plan import (
    case_runs,
    cost_arms,
    figure_names,
    judged_cells,
    margin_runs,
    trained_datasets,
    training_runs,
)
from asft.config.generation import Decoding, Generation, Server
from asft.config.judges import Judge
from asft.config.loading import load, training_of
from asft.config.local_files import (
    PROJECT,
    find_path,
    first_here,
    require_local,
    require_template,
)
from asft.config.methods import Method
from asft.config.outputs import Arm
from asft.config.protocols import PROTOCOLS, Protocol, judged_protocol, judged_protocols
from asft.config.report_plan import (
    FIGURE_ENDINGS,
    Asked,
    Contestant,
    all_contestants,
    all_trained,
    asked_benchmarks,
    figure_files,
    record_files,
    report_inputs,
    table_files,
    trained_on,
)
from asft.config.resources import inference_mb, inference_minutes, training_mb, training_minutes
from asft.config.runs import (
    BASE,
    Run,
    card_settings,
    reference_file,
    refuse_links,
    run_settings,
    start_run,
    table1_rows,
    table2_columns,
    table2_contestants,
    table3_runs,
    tables_of,
    with_starts,
)
from asft.config.sources import (
    HubSource,
    LocalSource,
    RandomSource,
    Source,
    UrlSource,
    WheelSource,
    unpinned,
)
from asft.config.training import Attention, LoRA, Training
from asft.config.trl_losses import TRL_LOSSES, trl_arguments

__all__ = [
    "BASE",
    "CHAT_TEMPLATES",
    "FIGURE_ENDINGS",
    "PARTS",
    "PROJECT",
    "PROTOCOLS",
    "TRL_LOSSES",
    "Arm",
    "Asked",
    "Attention",
    "Benchmark",
    "Config",
    "Contestant",
    "Dataset",
    "Decoding",
    "Generation",
    "HubSource",
    "Judge",
    "LoRA",
    "LocalSource",
    "Method",
    "Model",
    "Protocol",
    "RandomSource",
    "Run",
    "Section",
    "Server",
    "Source",
    "Statistics",
    "Tokens",
    "Training",
    "UrlSource",
    "WheelSource",
    "all_contestants",
    "all_trained",
    "asked_benchmarks",
    "card_settings",
    "case_runs",
    "cost_arms",
    "figure_files",
    "figure_names",
    "find_path",
    "first_here",
    "inference_mb",
    "inference_minutes",
    "json_schema",
    "judged_cells",
    "judged_protocol",
    "judged_protocols",
    "load",
    "margin_runs",
    "record_files",
    "reference_file",
    "refuse_links",
    "report_inputs",
    "require_local",
    "require_template",
    "run_settings",
    "start_run",
    "starts_named",
    "table1_rows",
    "table2_columns",
    "table2_contestants",
    "table3_runs",
    "table_files",
    "tables_of",
    "trained_datasets",
    "trained_on",
    "training_mb",
    "training_minutes",
    "training_of",
    "training_runs",
    "trl_arguments",
    "unpinned",
    "with_starts",
]
