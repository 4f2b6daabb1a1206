"""report: the trade-off between precisions as a table, a Pareto picture and a page.

Reads the manifests, accuracy.json and latency.json of bundles; measures nothing itself. What a
bundle was not measured for stays empty in the table, and is never guessed.
"""

from edgecv.report.page import report
from edgecv.report.rows import Row, collect, folders, table

__all__ = ["Row", "collect", "folders", "report", "table"]
