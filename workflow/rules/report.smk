# The report: a static folder that opens from disk.


rule report:
    input:
        [f"<results>/{path}" for path in report_inputs(CONFIG)],
    output:
        index="<results>/report/index.html",
        folder=report(
            directory("<results>/report"),
            htmlindex="index.html",
            caption="../report/report.rst",
            category="Report",
        ),
    log:
        "<results>/logs/report.log",
    params:
        settings=CONFIG.model_dump_json(),
        results=subpath(output.folder, parent=True),
    shell:
        "asft --log {log} report --settings {params.settings:q} --results {params.results}"
        " --out {output.folder}"
