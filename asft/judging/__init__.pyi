from .controls import write_control as write_control
from .import_judgments import import_arena_hard as import_arena_hard
from .import_judgments import import_fastchat as import_fastchat
from .judge import judge_answers as judge_answers
from .protocols import check_prompts as check_prompts
from .published_preferences import import_alpaca_eval as import_alpaca_eval
