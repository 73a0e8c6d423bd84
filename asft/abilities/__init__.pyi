from .evaluate import evaluate_abilities as evaluate_abilities
