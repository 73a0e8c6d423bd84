#!/usr/bin/env bash
# scipy 1.17.1: a far lower tail's t quantile is +inf where the number is in range.
#
# Guess: `scipy.stats.t.ppf(p, df)` of a p far below 0.5 is a negative number, at worst -inf.
# Seen: +inf, from p of about 1e-200 at 2.5 degrees of freedom, of about 1e-300 at 9; and -inf as `isf`, the
# upper tail's. `t.cdf` goes on to tell such tails apart: that of -1e32 at 9 degrees is 6e-288. At 1 and 2
# degrees the quantiles are right, so a root search whose bracket ends at such a tail finds a wrong root for
# some degrees of freedom and the right one for others.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet scipy==1.17.1
env/bin/python - <<'PY'
import math

import scipy
from scipy.special import stdtrit
from scipy.stats import t

assert scipy.__version__ == "1.17.1", scipy.__version__
assert t.ppf(1e-250, 2) < -1e124
assert 0 < t.cdf(-1e32, 9) < 1e-280
for p, df in ((1e-250, 2.5), (1e-300, 9)):
    found = float(t.ppf(p, df))
    print(f"t.ppf({p}, {df}) = {found}, isf {float(t.isf(p, df))}")
    assert found == math.inf == float(stdtrit(df, p)) == -float(t.isf(p, df)), "this has changed"
PY
