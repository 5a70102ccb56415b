# SPDX-License-Identifier: MPL-2.0
"""Turns the samples of a run into medians, ratios, verdicts and a table."""

from statistics import median

from rows import ABOVE_OFF_MAX, OWN_MAX, RATIO_MAX, RATIO_MIN, RAW_MIN

SIDES = ("ours", "off", "system", "raw")


def summarize(row, sides):
    """One row's result, as it goes into results.json.

    `sides` maps a side to (samples, failures)."""
    result = {"name": row.name, "group": row.group, "unit": row.unit,
              "target": row.target}
    for side in SIDES:
        samples, failures = sides.get(side, ([], []))
        if samples or failures:
            result[side] = {
                "median": median(samples) if samples else None,
                "min": min(samples, default=None),
                "max": max(samples, default=None),
                "count": len(samples), "failures": failures}
    ours = middle(result, "ours")
    other = middle(result, "system" if row.has_system else "raw")
    result["ratio"] = ours / other if ours is not None and other else None
    result["reached"] = is_reached(row.target, result)
    return result


def middle(result, side):
    return result.get(side, {}).get("median")


def is_reached(target, result):
    """True, False, or None where it cannot be said."""
    ours, off = middle(result, "ours"), middle(result, "off")
    if target is None or ours is None:
        return None
    kind, limit = target
    if kind == OWN_MAX:
        return ours <= limit
    if kind == ABOVE_OFF_MAX:
        return None if off is None else ours - off <= limit
    if result["ratio"] is None:
        return None
    if kind in (RATIO_MIN, RAW_MIN):
        return result["ratio"] >= limit
    return result["ratio"] <= limit


def number(value):
    """Three digits that count."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def quantity(value, unit):
    if value is None:
        return "-"
    if unit in ("msg/s", "/s"):
        for factor, letter in ((1e6, " M"), (1e3, " k")):
            if value >= factor:
                return number(value / factor) + letter
        return number(value)
    if unit == "B":
        if value < 1024:
            return f"{number(value)} B"
        return f"{number(value / 1024)} KiB"
    if unit == "s/M":
        return f"{number(value)} s/M"
    if unit in ("ns", "us", "%"):
        return f"{number(value)} {unit}"
    return number(value)


def cell(result, side):
    have = result.get(side)
    if have is None:
        return ""
    if have["median"] is None:
        return have["failures"][0]
    text = quantity(have["median"], result["unit"])
    if have["count"] > 1:
        low = quantity(have["min"], result["unit"]).split(" ")
        high = quantity(have["max"], result["unit"])
        # "5.1 to 5.3 M" reads better than "5.1 M to 5.3 M".
        same = low[1:] == high.split(" ")[1:]
        text += f" ({low[0] if same else ' '.join(low)} to {high})"
    if have["failures"]:
        text += f", {len(have['failures'])} failed: {have['failures'][0]}"
    return text


def target_text(result):
    if not result["target"]:
        return ""
    kind, limit = result["target"]
    if kind == RATIO_MIN:
        return f"at least {number(limit)}x"
    if kind == RAW_MIN:
        return f"at least {number(limit)}x raw"
    if kind == RATIO_MAX:
        return f"at most {number(limit)}x"
    if kind == OWN_MAX:
        return f"at most {quantity(limit, result['unit'])}"
    return f"at most {number(limit)} % above no spin"


def verdict(result):
    if not result["target"] or "ours" not in result:
        return ""
    return {True: "reached", False: "NOT reached",
            None: "unknown"}[result["reached"]]


def ratio_text(result):
    off = middle(result, "off")
    ours = middle(result, "ours")
    if off is not None and ours is not None:
        return f"{ours - off:+.2g} %"
    if not result["ratio"]:
        return ""
    raw = "" if "system" in result else " raw"
    return f"{number(result['ratio'])}x{raw}"


HEAD = ("case", "CeroMQ", "libzmq", "raw machine", "ratio", "target",
        "verdict")


def table_lines(results):
    """A Markdown table that is also readable as it is."""
    group, lines = None, [HEAD, None]
    for result in results:
        if result["group"] != group:
            group = result["group"]
            lines.append((f"**{group}**", "", "", "", "", "", ""))
        lines.append((result["name"], cell(result, "ours"),
                      cell(result, "system"), cell(result, "raw"),
                      ratio_text(result), target_text(result),
                      verdict(result)))
    widths = [max(len(line[i]) for line in lines if line)
              for i in range(len(HEAD))]
    for line in lines:
        if line is None:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        else:
            yield "| " + " | ".join(
                text.ljust(width)
                for text, width in zip(line, widths)) + " |"


def summary_line(results):
    judged = [r for r in results if r["target"] and "ours" in r]
    reached = sum(r["reached"] is True for r in judged)
    return f"{reached} of {len(judged)} targets reached"
