#!/usr/bin/env bash
# langcodes 3.5.1: of one macrolanguage's members some are at distance 0 from it and some at 14, and macro=True merges some.
#
# Guess: `standardize_tag(tag, macro=True)` replaces a language by its macrolanguage, for all 447 members of ISO 639-3's
# 62 macrolanguages, and `tag_distance` treats siblings alike.
# What happens: 64 members are replaced, those that CLDR equates with the macrolanguage: Cusco Quechua (quz) becomes qu,
# Ayacucho Quechua (quy), which data sets use, does not; swh becomes sw, and Congo Swahili (swc) becomes sw-CD even with
# macro=False. The distance quz-qu is 0 and quy-qu is not. The whole table is there, in `data_dicts.MACROLANGUAGES`, which
# no function gives.
# Source: this script; https://github.com/georgkrause/langcodes (README, "macro"); CLDR's supplementalMetadata.xml.
# Here: macro=False, and near languages are found in the whole table (app/registry/language_tags.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check langcodes==3.5.1 language-data==1.4.0 2>/dev/null
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from langcodes import standardize_tag, tag_distance
from langcodes.data_dicts import MACROLANGUAGES, NORMALIZED_MACROLANGUAGES

print("langcodes", version("langcodes"))
print(f"members of macrolanguages: {len(MACROLANGUAGES)}, replaced by macro=True: {len(NORMALIZED_MACROLANGUAGES)}")
rows = {}
for tag in ("quz", "quy", "swh", "swc"):
    macro = MACROLANGUAGES[tag]
    forms = (standardize_tag(tag), standardize_tag(tag, macro=True))
    rows[tag] = (*forms, tag_distance(tag, macro), tag_distance(macro, tag))
    print(f"{tag} (member of {macro}): macro=False {forms[0]}, macro=True {forms[1]}, distances {rows[tag][2:]}")
if (rows["quz"][1:3], rows["quy"][1], rows["swc"][0]) != (("qu", 0), "quy", "sw-CD") or rows["quy"][2] == 0:
    raise SystemExit("changed: this is not what was found")
PY
