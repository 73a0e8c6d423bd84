from .completion_logps import score_completions as score_completions
from .measure_cost import measure_training_cost as measure_training_cost
from .reference import score_reference as score_reference
from .settings import read_settings as read_settings
from .settings import write_settings as write_settings
from .train import train_policy as train_policy
from .trainer import PairTrainer as PairTrainer
