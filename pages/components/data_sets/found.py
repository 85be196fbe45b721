"""What a path holds, file by file, before anything of it is taken."""

import pandas as pd
import streamlit as st

from mnist_core.data.formats.look import Found, FoundFile
from mnist_core.errors import times
from mnist_core.untrusted import UntrustedText

MOST_ROWS, MOST_PROBLEMS = 200, 8
CHECKSUMS = {True: "known", False: "not known", None: ""}


def show_found(found: Found) -> None:
    """Draw a row for each file, then a sentence for each one that can't be read, and what all of it is."""
    if found.files:
        st.dataframe(
            pd.DataFrame([_row(file) for file in found.files[:MOST_ROWS]]),
            hide_index=True,
            height=min(38 + 35 * len(found.files), 400),
            key="found_files",
            column_config={
                "SHA-256": st.column_config.TextColumn(help="Known: that of a published file, so this is that file."),
                "used as": st.column_config.TextColumn(help="What the file is for; empty if it is not used."),
            },
        )
    if len(found.files) > MOST_ROWS:
        st.caption(f"And {len(found.files) - MOST_ROWS:,} more files.")
    problems = [file for file in found.files if file.problem and file.problem not in (found.problem or "")]
    for file in problems[:MOST_PROBLEMS]:
        st.warning(UntrustedText(file.problem or "").markdown, icon=":material/block:")
    if len(problems) > MOST_PROBLEMS:
        st.caption(f"And {len(problems) - MOST_PROBLEMS:,} more files that can't be read.")
    if found.problem:
        st.error(UntrustedText(found.problem).markdown, icon=":material/error:")
    if found.guess:
        st.info(UntrustedText(found.guess).markdown, icon=":material/search:")


def _row(file: FoundFile) -> dict[str, str]:
    return {
        "file": UntrustedText(file.name).plain,
        "read as": file.kind,
        "used as": file.role or "",
        "shape": "" if file.shape is None else f"{times(file.shape)} {file.dtype or ''}".strip(),
        "values": "" if file.low is None or file.high is None else f"{file.low:g} to {file.high:g}",
        "classes": "" if file.classes is None else f"{file.classes:,}",
        "SHA-256": CHECKSUMS[file.checksum_known],
    }
