"""One self-contained report.html: the table of checks and all pictures."""
import base64
import html

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.5em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse;font-size:12px;width:100%}
td,th{padding:3px 8px;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}td:first-child,th:first-child{text-align:left;white-space:normal}
.agree{color:#1a7f37}.disagree,.failed{color:#b3202a;font-weight:bold}img{max-width:100%}p.caption{color:#555;font-size:13px}"""


def number(value):
    return "" if value is None else f"{value:.4g}"


def table(rows):
    head = ["check", "t", "statistic", "value", "expected", "sd", "p (Holm)", "tolerance", "visible defect", "largest error", "verdict"]
    lines = ["<table><tr>" + "".join(f"<th>{h}</th>" for h in head) + "</tr>"]
    for row in rows:
        cells = [html.escape(row["name"]), number(row["time"]), row["statistic"], number(row["value"]), number(row["expected"]),
                 number(row["deviation"]), number(row["adjusted_p_value"]), number(row["tolerance"]),
                 f"<span title='{html.escape(row['defect_unit'])}'>{number(row['smallest_visible_defect'])}</span>",
                 row["dominating"].replace("_", " "), f"<span class={row['verdict']}>{row['verdict']}</span>"]
        lines.append("<tr>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>")
    return "\n".join(lines) + "</table>"


def measures(rows):
    head = ["measure", "t", "quantity", "value", "floor", "published", "note"]
    lines = ["<table><tr>" + "".join(f"<th>{h}</th>" for h in head) + "</tr>"]
    for row in rows:
        spread = lambda key: number(row[key]) + (f" &plusmn; {row[key + '_deviation']:.2g}" if row[key + "_deviation"] is not None else "")
        cells = [html.escape(row["name"]), number(row["time"]), row["quantity"], number(row["value"]), spread("floor"), spread("published"),
                 html.escape(row["note"])]
        lines.append("<tr>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>")
    return "\n".join(lines) + "</table>"


def write(study, drawn, file):
    run = study.run
    parts = [f"<!doctype html><meta charset=utf-8><title>{html.escape(study.title)}</title><style>{STYLE}</style>",
             f"<h1>{html.escape(study.title)}</h1>",
             f"<p>Verdict: <span class={study.results['verdict']}>{study.results['verdict']}</span>. "
             f"{run['ranks']} ranks &times; {run['threads']} threads, {run['seconds']:.1f} s, fortet {run['versions']['fortet']} "
             f"({run['versions']['revision']}), {run['date']}.</p>"]
    if study.results.get("failed"):
        parts += ["<h2>Failed</h2>", "<ul>"] + [
            f"<li><b>{html.escape(one['object'])}</b>: {html.escape(one['message'])}</li>" for one in study.results["failed"]] + ["</ul>"]
    if study.results["checks"]:
        parts += ["<h2>Checks</h2>", table(study.results["checks"]),
                  "<p class=caption>p: two-sided probability of a value this far out when the two routes agree, adjusted over all checks of the "
                  f"study; below {study.results['false_alarm_rate']:g} the check disagrees. Visible defect: the smallest defect that would be "
                  "seen with power 0.9 (hover for its unit).</p>"]
    if study.results.get("measures"):
        parts += ["<h2>Measures</h2>", measures(study.results["measures"]),
                  "<p class=caption>Floor: the same number when nothing but the finite samples is wrong.</p>"]
    for title, caption, picture in drawn:
        encoded = base64.b64encode(picture.read_bytes()).decode()
        kind = "gif" if picture.suffix == ".gif" else "png"
        parts += [f"<h2>{html.escape(title)}</h2>", f"<img src='data:image/{kind};base64,{encoded}' alt='{html.escape(title)}'>",
                  f"<p class=caption>{html.escape(caption)}</p>"]
    file.write_text("\n".join(parts), encoding="utf-8")
