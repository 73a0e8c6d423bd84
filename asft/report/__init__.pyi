from .model_card import make_model_card as make_model_card
from .report import make_report as make_report
