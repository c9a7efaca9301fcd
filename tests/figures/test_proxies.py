"""What the report says of zero-cost proxies."""

import numpy as np
import pandas as pd

from mf_nas_kd.figures import proxies_sentence, proxies_table

COLUMNS = ["proxy", "n", "spearman", "spearman_low", "spearman_high", "kendall", "kendall_low", "kendall_high"]
ROWS = [
    ("macs", 24, 0.7, 0.5, 0.8, 0.5, 0.3, 0.6, np.nan, np.nan, np.nan, False, 0.0),
    ("naswot", 24, 0.8, 0.6, 0.9, 0.6, 0.4, 0.7, 0.41, 0.004, 0.5, True, 0.123),
    ("zico", 24, 0.1, np.nan, np.nan, 0.05, np.nan, np.nan, 0.1, 0.6, 0.5, False, 2.5),
]
TABLE = pd.DataFrame(ROWS, columns=[*COLUMNS, "added", "added_p", "added_detectable", "accepted", "seconds"])


def test_accepted_proxies_are_named_with_their_cost():
    assert proxies_sentence(TABLE) == (
        "1 of 2 zero-cost proxies add to MACs and parameters on 24 candidates (semi-partial correlation, family-wise p "
        "value): NASWOT: 0.41, p = 0.004, 0.12 s each."
    )


def test_where_none_is_accepted_the_sentence_says_what_could_have_been_found():
    none = TABLE.assign(accepted=False, added_p=TABLE["added_p"] + 0.1)
    assert proxies_sentence(none) == (
        "None of 2 zero-cost proxies is shown to add to MACs and parameters on 24 candidates: the highest semi-partial "
        "correlation is 0.41 (NASWOT; family-wise p = 0.1), one of 0.50 would probably have been found."
    )
    assert proxies_sentence(none.assign(added_detectable=np.nan)) == (
        "Whether a zero-cost proxy adds to MACs and parameters cannot be told from 24 candidates."
    )
    nothing = dict.fromkeys(["added", "added_p", "added_detectable"], np.nan)
    assert "cannot be told from 24" in proxies_sentence(none.assign(**nothing))
    assert proxies_sentence(TABLE.head(1)) == "No zero-cost proxy beside MACs and parameters was computed."


def test_the_small_table():
    table = proxies_table(TABLE)
    assert table.iloc[0].tolist() == ["MACs", "0.50 [0.30, 0.60]", "0.70 [0.50, 0.80]", "", "", "", "0 s"]
    assert table.iloc[1].tolist() == [
        "NASWOT",
        "0.60 [0.40, 0.70]",
        "0.80 [0.60, 0.90]",
        "0.41",
        "0.004",
        "0.50",
        "0.12 s",
    ]
    assert table.iloc[2].tolist() == ["ZiCo", "0.05", "0.10", "0.10", "0.6", "0.50", "2.5 s"]
