"""The steps of the DAG: each reads files, writes files, and runs by hand without Snakemake."""
