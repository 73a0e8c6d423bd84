from .card_text import Origin as Origin
from .compare import compare_results as compare_results
from .model_card import card_of_run as card_of_run
from .model_card import make_model_card as make_model_card
from .model_card import write_model_card as write_model_card
from .pages import write_report as write_report
from .report import make_report as make_report
