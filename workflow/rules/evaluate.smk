# Scores of a policy's answers, question by question.


rule score:
    input:
        questions="<results>/benchmarks/{benchmark}/questions.jsonl",
        completions="<results>/runs/{run}/completions/{benchmark}.jsonl",
    output:
        "<results>/runs/{run}/scores/{benchmark}/references.csv",
    log:
        "<results>/logs/score/{run}/{benchmark}/references.log",
    params:
        thinking=thinking_of,
    shell:
        "asft --log {log} score --questions {input.questions} --completions {input.completions}"
        " {params.thinking} --out {output}"
