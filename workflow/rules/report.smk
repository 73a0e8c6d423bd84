# The report: a static folder that opens from disk.
