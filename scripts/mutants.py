"""Prints the share of viable mutants that the tests caught, from the outcomes.json of cargo-mutants. Fails below 95 %."""

import collections
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    outcomes = json.load(file)["outcomes"]
# The first outcome may be that of the unchanged code.
counts = collections.Counter(outcome["summary"] for outcome in outcomes if outcome["scenario"] != "Baseline")
caught = counts["CaughtMutant"] + counts["Timeout"]
viable = caught + counts["MissedMutant"]
print(f"{caught} of {viable} viable mutants caught ({counts['Timeout']} by the time-out), {counts['Unviable']} do not build")
if viable and caught / viable < 0.95:
    sys.exit("less than 95 %")
