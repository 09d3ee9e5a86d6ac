"""What a leaving client has to know before its source is switched off: whether everything is here, and what is not.

The completeness report is read from the ledger, the current snapshot and the reconciled tables, as of the last build.
It holds names of files, tables and columns, counts, and ids of documents and people; never a name, an e-mail address or
a text. Nothing here knows Dagster.
"""

from __future__ import annotations

from edreflect_assets.offboarding.collect import collect_report
from edreflect_assets.offboarding.contents import CompletenessReport
from edreflect_assets.offboarding.page import write_report

__all__ = ["CompletenessReport", "collect_report", "write_report"]
