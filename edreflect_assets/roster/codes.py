"""The codes of validation findings: what each one means, what it does to the package, and what to do about it.

Codes are stable: a code is never given another meaning, and one that is no longer used is not used again. The hundreds
tell what is judged: 0 the package, 1 a file and its header, 2 whether a record can be read, 3 a value, 4 a record beside
others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Severity = Literal["package", "row", "warning"]


@dataclass(frozen=True)
class Code:
    """One kind of finding; ``meaning`` and ``advice`` are sentences.

    ``severity``: ``package`` refuses the whole package, ``row`` sets the record aside, ``warning`` changes nothing.
    """

    code: str
    severity: Severity
    meaning: str
    advice: str


# Raised whenever a rule judges otherwise under the code it had: reports made before are then not used again.
RULES_REVISION = 1

_CODES = (
    Code("OR001", "package", "The package holds no rostering file and no manifest.", "Deliver the CSV files themselves, not in a folder of the archive."),
    Code("OR010", "package", "The zip is damaged, cut off or compressed in an unusual way.", "Make the zip anew and deliver it again."),
    Code("OR011", "package", "The zip holds a path that leads out of it, or an unsafe name.", "Put the CSV files at the root of the zip, under their plain names."),
    Code("OR012", "package", "The zip holds a folder.", "Put the CSV files at the root of the zip."),
    Code("OR013", "package", "Two files of the package have the same name.", "Deliver each file once."),
    Code("OR014", "package", "The zip unpacks to more than a roster plausibly holds.", "Deliver a zip of the roster files alone."),
    Code("OR015", "package", "The zip holds a link or a device.", "Put the files themselves into it."),
    Code("OR016", "package", "The zip is encrypted.", "Deliver it without a password; the transfer protects it."),
    Code("OR017", "package", "The folder holds several zips.", "Deliver one of them."),
    Code("OR018", "package", "The folder holds a zip and loose CSV files.", "Deliver either the zip or the files."),
    Code("OR020", "warning", "The file is not part of the rostering set and was left aside.", "Nothing; leave it out of the export if you can."),
    Code("OR030", "warning", "The package has no manifest.csv.", "Add one; without it the version and the mode of each file are taken from the files."),
    Code("OR031", "warning", "The manifest lacks a property.", "Add the property; every rostering file is bulk, delta or absent."),
    Code("OR032", "warning", "The manifest is of another version than 1.0.", "Write manifest.version as 1.0."),
    Code("OR033", "package", "The manifest names a version of OneRoster that is not known.", "Export version 1.1 or 1.2."),
    Code("OR034", "warning", "The files are of version 1.0 and are read as 1.1.", "Export version 1.1 or 1.2."),
    Code("OR035", "warning", "The manifest says 1.1, but the files are of version 1.2 and are read so.", "Correct oneroster.version in the manifest."),
    Code("OR036", "warning", "The manifest says of a file neither bulk nor delta nor absent.", "Write one of the three."),
    Code("OR037", "warning", "The manifest names a property twice; the last line counts.", "Name each property once."),
    Code("OR038", "warning", "The manifest announces a file that is not in the package.", "Check whether the upload was complete; a file that is missing changes nothing."),
    Code("OR039", "warning", "The manifest says that the file is absent; it is there and was read.", "Correct the manifest, or leave the file out."),
    Code("OR040", "warning", "The manifest says bulk, but every row is a change; the file is read as delta.", "Correct the manifest, or leave status and dateLastModified empty in a full export."),
    Code("OR041", "package", "The manifest says delta, but no row carries both status and dateLastModified.", "Fill in both columns, or say bulk if this is the full list; read as bulk it would end everything it does not hold."),
    Code("OR042", "package", "The file has a header and no rows, and is not declared as delta.", "Deliver the rows, or say absent in the manifest and leave the file out; an empty full list would end everything."),
    Code("OR043", "package", "No record of the file can be read.", "See the findings of its lines and deliver it again."),
    Code("OR044", "warning", "Some rows carry status and dateLastModified and others do not; the file is read as bulk.", "Fill in both in every row of a delta, and neither in a full export."),
    Code("OR045", "warning", "No file says which roles people have: users.csv has no role and roles.csv is not there.", "Deliver roles.csv (version 1.2), or role and orgSourcedIds in users.csv (version 1.1)."),
    Code("OR100", "package", "The file is not UTF-8.", "Export it as UTF-8."),
    Code("OR101", "package", "The file is empty: it lacks even a header.", "Deliver it again, or leave it out."),
    Code("OR102", "package", "The file cannot be read as CSV.", "Deliver it with its header in the first line, separated by commas, quoted as RFC 4180 says."),
    Code("OR103", "package", "The header lacks columns that are required.", "Name the columns as OneRoster does; other layouts (such as Microsoft School Data Sync's) are not read."),
    Code("OR104", "package", "The header names a column twice.", "Deliver each column once."),
    Code("OR105", "package", "A column without a name holds values, or stands between others.", "Name the column, or leave it out."),
    Code("OR106", "package", "The header names columns that no table can take.", "Check whether it is this file; leave out columns that are not OneRoster's."),
    Code("OR110", "warning", "The file begins with a byte order mark, which was skipped.", "Nothing; export without it if you can."),
    Code("OR111", "warning", "A column's name is spelt in another case or with other characters.", "Write it as OneRoster does; names are case-sensitive."),
    Code("OR112", "warning", "A column is not known; it is kept beside the others and not used.", "Name extensions metadata.<name>, or leave the column out."),
    Code("OR113", "warning", "The columns are not in the order of the specification.", "Keep the order; extensions come last."),
    Code("OR114", "warning", "The header ends with columns without a name, which were dropped.", "Remove the commas at the ends of the lines."),
    Code("OR200", "row", "The record does not have as many fields as the header.", "Quote fields that hold a comma; deliver every field, also an empty one."),
    Code("OR201", "row", "The quotes of the record do not pair up.", "Quote whole fields, and double every quote inside one."),
    Code("OR202", "row", "The record is not UTF-8.", "Export the file as UTF-8 throughout."),
    Code("OR203", "row", "The record holds a NUL byte, a carriage return by itself or an end-of-data marker.", "Remove it at the source."),
    Code("OR204", "row", "The line is blank.", "Remove it."),
    Code("OR300", "row", "A required value is empty.", "Fill it in."),
    Code("OR301", "row", "An id holds characters other than letters, digits and . - _ / @", "Change the id at the source, wherever it is used."),
    Code("OR302", "row", "An id is longer than 255 characters.", "Use a shorter id."),
    Code("OR303", "row", "Not a day of the calendar written YYYY-MM-DD.", "Write it as e.g. 2026-08-31."),
    Code("OR304", "row", "Not a time in ISO 8601.", "Write it as e.g. 2026-08-31T14:00:00Z."),
    Code("OR305", "row", "Not a year written YYYY.", "Write the year in which the school year ends, e.g. 2026."),
    Code("OR306", "row", "Neither true nor false.", "Write true or false."),
    Code("OR307", "row", "Not one of the values that the column may have.", "Use one of those the finding names."),
    Code("OR310", "warning", "A value is spelt in another case; it was taken for the one meant.", "Write it exactly as the finding names it."),
    Code("OR311", "warning", "The status inactive is of version 1.0; it was accepted.", "Write active or tobedeleted."),
    Code("OR312", "warning", "A boolean is written in another way; it was taken for true or false.", "Write true or false, in lower case."),
    Code("OR313", "warning", "A field holds a line break.", "Remove it at the source."),
    Code("OR314", "warning", "Not written as {Type:Id}.", "Put each id in braces, with its type and a colon before it."),
    Code("OR315", "warning", "A grade is not one of CEDS's codes.", "Use IT, PR, PK, TK, KG, 01 to 13, PS, UG or Other."),
    Code("OR316", "warning", "A list holds empty items or spaces around one; they were dropped.", "Separate the items by a comma alone."),
    Code("OR320", "row", "A row of a delta lacks status or dateLastModified.", "Fill in both."),
    Code("OR321", "warning", "A full export has values in status or dateLastModified; they are ignored.", "Leave both columns empty, or fill in both in every row if these are changes."),
    Code("OR322", "row", "A row of a full export says tobedeleted.", "Leave the row out; what a full export does not hold has ended."),
    Code("OR400", "row", "A later line of the file has the same sourcedId; the last one counts.", "Deliver each sourcedId once."),
    Code("OR401", "warning", "A later line of the delta has the same sourcedId; the newest counts.", "Deliver each sourcedId once."),
    Code("OR410", "warning", "A reference leads to no record of the package.", "Deliver the record that is meant, or correct the id."),
    Code("OR411", "warning", "The organization referred to is not a school.", "Name the school itself, or correct its type in orgs.csv."),
    Code("OR412", "warning", "The session referred to is not a school year.", "Name the school year, or correct its type in academicSessions.csv."),
    Code("OR413", "warning", "The record is, over its parents, its own ancestor.", "Correct the parents, so that the chain ends."),
    Code("OR420", "warning", "The end is not after the beginning; ends are the first day that no longer belongs.", "Correct the dates; for what lasted a day, the end is the next day."),
    Code("OR421", "warning", "subjects and subjectCodes do not have the same number of items.", "Deliver one code for each subject, in the same order; subjects hold no commas."),
    Code("OR430", "warning", "Another teacher is the class's primary one at the same time.", "Mark one teacher per class and period as primary."),
    Code("OR431", "warning", "Someone other than a teacher is marked as primary.", "Leave primary empty or false unless the role is teacher."),
    Code("OR432", "warning", "The enrollment begins before or ends after the terms of its class.", "Align the dates with the terms in termSourcedIds."),
    Code("OR440", "warning", "A student has no grades.", "Fill in the student's grade level."),
    Code("OR441", "warning", "Someone who is not a student has grades.", "Leave grades empty for everybody else."),
)  # fmt: skip

CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _CODES})


def codes_table_markdown() -> str:
    """Return the table of all codes as Markdown, without a line end after the last row."""
    rows = [f"| {code.code} | {code.severity} | {code.meaning} | {code.advice} |" for code in _CODES]
    return "\n".join(["| Code | Severity | Meaning | What to do |", "|---|---|---|---|", *rows])
