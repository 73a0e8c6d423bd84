"""The numbers that the paper published (arXiv 2409.10571), for printing beside ours.

All are of Meta-Llama-3-8B-Instruct; nothing here enters a computation.
"""

# Table 3: BLEU-4, ROUGE-1, ROUGE-2, ROUGE-L on alpaca_en, 0-100, by (dataset, method).
TABLE3_METRICS = ("bleu4", "rouge1", "rouge2", "rougeL")
TABLE3 = {
    ("hh_rlhf", "sft"): (23.7, 32.70, 13.51, 14.56),
    ("hh_rlhf", "orpo"): (35.91, 41.42, 20.50, 27.84),
    ("hh_rlhf", "asft"): (37.70, 43.71, 22.42, 30.09),
    ("ultrafeedback", "sft"): (25.62, 36.28, 15.66, 16.73),
    ("ultrafeedback", "orpo"): (40.96, 44.13, 23.85, 33.56),
    ("ultrafeedback", "asft"): (42.43, 46.60, 25.38, 34.98),
}
