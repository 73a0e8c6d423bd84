from .model_card import Origin as Origin
from .model_card import write_model_card as write_model_card
from .pages import write_report as write_report
