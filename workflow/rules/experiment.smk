# One experiment: what is asked for, and the rules that make it.


wildcard_constraints:
    model=one_of(MODELS),
    dataset=one_of(CONFIG.datasets),
    benchmark=one_of(CONFIG.benchmarks),
    method=one_of(CONFIG.methods),
    seed=r"\d+",
    judge=one_of(CONFIG.judges),
    arm=one_of(plan.cost_arms(CONFIG)),
    repeat=r"\d+",
    kind="null|echo|injection|empty",
    run=RUN,
    contestant=rf"{RUN}|control_(null|echo|injection|empty)",


WANTED = [
    "<results>/table3.csv",
    *(f"<results>/table{n}.csv" for n in (1, 2) if CONFIG.tables.table2),
    *(["<results>/table4.csv"] if CONFIG.tables.table4 else []),
    *(f"<results>/{name}.pdf" for name in plan.figure_names(CONFIG)),
    "<results>/report/index.html",
    *(
        f"<results>/runs/{run.folder}/model_card.md"
        for dataset in plan.trained_datasets(CONFIG)
        for run in plan.training_runs(CONFIG, dataset)
    ),
]


include: "data.smk"
include: "train.smk"
include: "generate.smk"
include: "evaluate.smk"
include: "judge.smk"
include: "tables.smk"
include: "figures.smk"
include: "report.smk"


if CONFIG.search:

    include: "common/trials.smk"
    include: "search.smk"
