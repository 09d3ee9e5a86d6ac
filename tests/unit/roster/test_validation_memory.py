"""A file's size does not decide how much memory its validation takes: a few dozen bytes per record do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RECORDS = 300_000
_VALIDATE = """
import re, sys
from pathlib import Path
from edreflect_assets.contracts import load_feeds
from edreflect_assets.roster.validation import validate

verdict = validate(load_feeds()["oneroster"], {"enrollments.csv": Path(sys.argv[1])})
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(verdict.files["enrollments.csv"].records, verdict.errors, peak)
"""


# Not ru_maxrss: it counts what the parent held when it started the process.
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel does not say what a process held")
def test_many_wide_records_take_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "enrollments.csv"
    with file.open("w") as stream:
        stream.write(
            "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate,metadata.note\n"
        )
        note = "n" * 400
        stream.writelines(
            f"e{n},k{n % 9000},s{n % 40},u{n % 60000},student,false,2025-08-01,2026-06-30,{note}\n"
            for n in range(RECORDS)
        )
    done = subprocess.run(
        [sys.executable, "-c", _VALIDATE, str(file)], capture_output=True, text=True, check=True, timeout=300
    )
    records, errors, peak_kib = map(int, done.stdout.split())
    assert (records, errors) == (RECORDS, 0)
    assert file.stat().st_size > 130 * 1024**2
    assert peak_kib < 250 * 1024
