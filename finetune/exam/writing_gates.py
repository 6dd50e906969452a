"""The gates of the stories that a version writes: variety, copying, endings, settings."""

from __future__ import annotations

from finetune.exam.gate import Gate, Metrics, against_name, figure, rival_role
from finetune.reports.wording import number, percent, plain

DISTINCT_LEAST, ENDS_LEAST, SETTINGS_LEAST = 0.9, 0.95, -0.05

COPIED_MOST = 0.05
"""One run of eight words in twenty. People share hardly any; this leaves room for set phrases, and a model
that tells its lessons again is far above it."""

RUN_MOST = 30
"""Words: two sentences. Carlini et al., "Quantifying Memorization" (ICLR 2023), call 50 tokens in a row,
about 37 words, learned by heart."""

FEW = 20
"""With fewer texts 95 % would allow none to run on: then one may, if there are at least ``FEWEST``."""

FEWEST = 4


def distinct(metrics: Metrics) -> Gate:
    """Against the base, or against the writer's own stories where those are less varied: a voice with a
    refrain is what was asked for.
    """
    before, after = (figure(metrics, role, "distinct_2") for role in ("base", "candidate"))
    liked = number(metrics.get("liked", {}).get("distinct_2"))
    known = [value for value in (before, liked) if value is not None]
    ratio = after / min(known) if after is not None and before and min(known) else None
    passed = ratio is not None and ratio >= DISTINCT_LEAST
    beside = f", your own stories' {plain(liked, 2)}" if liked is not None else ""
    told = (
        f"it writes {'varied enough' if passed else 'too much alike'} (distinct-2 {plain(after, 2)}, the "
        f"base model's is {plain(before, 2)}{beside}; at least {percent(DISTINCT_LEAST)} of "
        f"{'the lower' if beside else 'that'} is asked for)"
    )
    return Gate.of("distinct_2", "Writes varied", ratio, DISTINCT_LEAST, passed, told)


def copied(metrics: Metrics) -> Gate:
    share = figure(metrics, "candidate", "copied_8grams")
    passed = share is not None and share <= COPIED_MOST
    told = (
        f"{percent(share)} of what it writes stands in the stories it learned from (runs of eight "
        f"words; {percent(COPIED_MOST)} is allowed)"
    )
    return Gate.of("copied_8grams", "Does not copy your stories", share, COPIED_MOST, passed, told)


def run(metrics: Metrics) -> Gate:
    longest = figure(metrics, "candidate", "longest_copied_run")
    passed = longest is not None and longest <= RUN_MOST
    told = (
        "it copied no eight words in a row"
        if longest == 0
        else f"the longest run that it copied has {plain(longest, 0)} words ({RUN_MOST} are allowed)"
    )
    return Gate.of("longest_copied_run", "Knows no passage by heart", longest, RUN_MOST, passed, told)


def ends(metrics: Metrics) -> Gate:
    label = "Comes to an end"
    share, texts = figure(metrics, "candidate", "ends_by_itself"), number(metrics.get("prompts"))
    if share is None or texts is None:
        told = "whether its stories come to an end could not be measured"
        return Gate.of("ends_by_itself", label, None, ENDS_LEAST, False, told)
    running_on = round((1 - share) * texts)
    allowed = 1 if FEWEST <= texts < FEW else int(texts * (1 - ENDS_LEAST) + 1e-9)
    told = (
        f"{texts - running_on:.0f} of {texts:.0f} stories came to an end by themselves "
        f"({allowed or 'none'} may run on)"
    )
    return Gate.of("ends_by_itself", label, share, ENDS_LEAST, running_on <= allowed, told)


def settings(metrics: Metrics) -> Gate:
    """Worse by more than five points, and not by chance: with few texts a single one is five points."""
    label = "Keeps to the settings"
    rival = rival_role(metrics)
    shares = [(metrics["models"].get(role) or {}).get("settings_kept") for role in (rival, "candidate")]
    if shares == [None, None]:
        told = "no story kept for the exam came with settings, so nothing is known of how it keeps to them"
        return Gate.of("settings_kept", label, None, SETTINGS_LEAST, True, told)
    found = metrics.get("settings") or {}
    difference, high = (number(found.get(key)) for key in ("difference", "high"))
    worse = difference is None or difference < SETTINGS_LEAST
    by_chance = difference is not None and high is not None and high >= 0
    before, after = (percent(number(share)) for share in shares)
    told = (
        f"it keeps {after} of what the settings ask for, {against_name(metrics)} {before} ("
        f"{'with so few texts that may be chance' if worse and by_chance else '5 points less are allowed'})"
    )
    return Gate.of("settings_kept", label, difference, SETTINGS_LEAST, not worse or by_chance, told)
