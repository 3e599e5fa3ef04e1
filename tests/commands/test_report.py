"""``crdtctl report`` writes a page; a real browser shows the figures that ``show`` prints, and nothing else."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.browser import Browser, browser
from tests.support.expect import assert_refused, contents
from tests.support.sh import in_sh

DAY = 86_400
SVG = "{http://www.w3.org/2000/svg}"
BIG = 2**60 + 1
#: Values of labels that would be something else than text, if a writer forgot to escape them.
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(2)>",
    "'\"><svg onload=alert(3)>",
    "&lt;b&gt;&amp;",
    "{{data}}{{script}}",
    "${alert(4)}`\\u003c",
    '\\"];alert(5);//',
    "javascript:alert(6)",
    "__proto__",
    "=1+1",
    "é" * 100,
    "\U0001f469\u200d\U0001f680",
    "שלום",
]
CELLS = """
(host) => [...document.querySelectorAll(`${host} tbody tr`)].map((row) =>
  [...row.querySelectorAll("td:not(.bar)")].map((cell) => cell.textContent))
"""
#: The least ratio of contrast of the texts in the page with what is behind them, as WCAG defines it.
CONTRAST = """
(() => {
  const numbers = (color) => {
    const found = color.match(/[0-9.]+/g).map(Number);
    return color.startsWith("color(srgb") ? found.slice(0, 3).map((one) => one * 255) : found;
  };
  const light = (color) => {
    const [r, g, b] = numbers(color).map((one) => one / 255).map((one) =>
      one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const found = getComputedStyle(one).backgroundColor;
      if (numbers(found)[3] !== 0) return found;
    }
  };
  const ratios = [];
  for (const one of document.querySelectorAll("body *:not(script):not(noscript):not(title)")) {
    if (![...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) || one.disabled) continue;
    const style = getComputedStyle(one);
    const [a, b] = [light(one.closest("svg") ? style.fill : style.color), light(behind(one))];
    ratios.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.outerHTML.slice(0, 80)]);
  }
  return ratios.sort((a, b) => a[0] - b[0])[0];
})()
"""


def data_of(page: str | bytes) -> Any:
    """Return the data in a page."""
    text = page.decode() if isinstance(page, bytes) else page
    return json.loads(text.partition('<script id="data" type="application/json">')[2].partition("</script>")[0])


def cells(shown: Browser, host: str) -> list[list[str]]:
    """Return the texts in the rows of the first table below an element, without separators of thousands."""
    found: list[list[str]] = shown.js(f"({CELLS})({json.dumps(host)})")
    return [[cell.replace(",", "") for cell in row] for row in found]


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path / "profile") as found:
        yield found


@pytest.fixture
def page(shell: Shell, replica: Replica) -> Path:
    """Write the page of a replica with a counter of each kind, and the news of another replica."""
    other = Replica.init(shell.directory / "other", name="other")
    shell.ok("create", "failed", "--every", "day")
    shell.ok("increment", "failed", "5", "--label", "os=linux", "--at", str(noon(2)))
    shell.ok("increment", "failed", "7", "--label", "os=mac", "--at", str(noon(1)))
    other.increment('failed{os="mac"}', 30)
    other.increment("builds", BIG)
    shell.ok("add", "visitors", "ada", "grace")
    shell.ok("add", "latency", "1.5", "2.5", "--type", "hist")
    for number in range(30):
        replica.increment(f"page.{number:02}", number + 1)
    replica.merge_bytes(other.export_bytes())
    shell.ok("report", "-o", "report.html")
    return shell.directory / "report.html"


def noon(ago: int) -> int:
    """Return the noon of a day before today in UTC, in seconds since 1970."""
    return (int(time.time()) // DAY - ago) * DAY + DAY // 2


def day(ago: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(noon(ago)))


def follow(shown: Browser, name: str) -> None:
    """Click on the name of a counter."""
    shown.js(
        f"[...document.querySelectorAll('td button')].find((one) => one.textContent === {json.dumps(name)}).click()"
    )


def print_all(shown: Browser) -> None:
    """Let the page show what it prints: all rows of each table, and the tables behind charts."""
    shown.js("dispatchEvent(new Event('beforeprint'))")


# In a browser ------------------------------------------------------------------------------------------------


def test_a_page_shows_the_totals_that_show_prints(shell: Shell, page: Path, shown: Browser) -> None:
    print_all(shown.open(page))
    totals = sorted(f"{name}\t{tag}\t{value}\n" for name, tag, _, value in cells(shown, "#counters"))
    assert len(totals) == 34
    assert "".join(totals) == shell.ok("show", "*")


def test_a_page_shows_a_counter_by_label_replica_and_day(
    shell: Shell, replica: Replica, page: Path, shown: Browser
) -> None:
    shown.open(page)
    assert shown.js("document.querySelector('#counter h2').textContent") == "failed"
    assert cells(shown, "#parts .two > :nth-child(1)") == [["mac", "37"], ["linux", "5"], ["without", "0"]]
    shares = dict(cells(shown, "#parts .two > :nth-child(2)"))
    assert shares.pop(replica.id) == "12"
    assert [*shares.values()] == ["30"]
    print_all(shown)
    assert cells(shown, "#parts details") == [[day(1), "7"], [day(2), "5"]]
    assert cells(shown, "#parts > :last-child") == [["os=mac", "37"], ["os=linux", "5"], ["none", "0"]]
    follow(shown, "latency")
    assert "sum: 4 · mean: 2 · min: 1.5 · max: 2.5 · quantile 0.5: 1.5" in shown.js(
        "document.getElementById('facts').textContent"
    )


def test_a_page_shows_who_was_heard_of_when(shell: Shell, replica: Replica, page: Path, shown: Browser) -> None:
    rows = cells(shown.open(page), "#replicas")
    heard = replica.heard()
    assert rows[0] == [replica.id, "this replica", str(replica.commits)]
    assert [row[:2] for row in rows[1:]] == [[one, when] for one, when in heard.items()]
    assert len(heard) == 1
    assert shown.js("document.getElementById('remotes').hidden") is True


def test_tables_are_sorted_filtered_and_paged(page: Path, shown: Browser) -> None:
    shown.open(page)
    assert [row[0] for row in cells(shown, "#counters")][:3] == ["builds", "failed", "page.29"]
    assert len(cells(shown, "#counters")) == 20
    shown.js("[...document.querySelectorAll('#counters .tools button')][1].click()")
    assert len(cells(shown, "#counters")) == 14
    shown.js("document.querySelector('#counters th button').click()")
    assert [row[0] for row in cells(shown, "#counters")][-1] == "visitors"
    assert shown.js("document.querySelector('#counters th').ariaSort") == "ascending"
    shown.js(
        "(() => { const one = document.querySelector('#counters input'); one.value = 'PAGE 1';"
        " one.dispatchEvent(new Event('input')); })()"
    )
    assert [row[0] for row in cells(shown, "#counters")] == [
        "page.01",
        *(f"page.{n}" for n in range(10, 20)),
        "page.21",
    ]


def test_keys_alone_reach_a_counter_and_move_through_its_days(page: Path, shown: Browser) -> None:
    shown.open(page)
    shown.js("document.querySelector('#counters input').focus()")
    for _ in range(20):
        if shown.js("document.activeElement.textContent") == "failed":
            break
        shown.press("Tab")
    shown.press("Enter")
    assert shown.js("document.activeElement.textContent") == "failed"
    assert shown.js("document.activeElement.tagName") == "H2"
    shown.press("Tab")
    assert shown.js("document.activeElement.getAttribute('role')") == "img"
    for key, said in (("Home", f"{day(2)}: 5"), ("ArrowRight", f"{day(1)}: 7"), ("ArrowRight", f"{day(0)}: 0")):
        shown.press(key)
        assert shown.js("document.querySelector('#parts p[role=status]').textContent") == said


def test_days_of_a_sketch_are_not_added(shell: Shell, replica: Replica, shown: Browser) -> None:
    """Someone who comes on two days is one visitor."""
    shell.ok("create", "visitors", "--type", "hll", "--every", "day")
    for ago in (1, 2):
        shell.ok("add", "visitors", "ada", "--at", str(noon(ago)))
    shell.ok("report", "-o", "report.html")
    print_all(shown.open(shell.directory / "report.html"))
    assert cells(shown, "#parts details") == [[day(1), "1"], [day(2), "1"]]
    assert shown.js("document.getElementById('facts').textContent") == "hll, value 1 · 1 series"
    assert shown.js("document.querySelector('#parts p[role=status]').textContent") == "Largest day: 1"


def test_pointer_over_a_day_shows_its_amount(page: Path, shown: Browser) -> None:
    shown.open(page)
    box = shown.js("JSON.parse(JSON.stringify(document.querySelector('.days rect').getBoundingClientRect()))")
    shown.js("document.querySelector('.days').scrollIntoView()")
    box = shown.js("JSON.parse(JSON.stringify(document.querySelector('.days rect').getBoundingClientRect()))")
    shown.call("Input.dispatchMouseEvent", type="mouseMoved", x=box["x"] + box["width"] / 2, y=box["y"] + 2)
    assert shown.js("document.querySelector('#parts p[role=status]').textContent") == f"{day(2)}: 5"


def test_a_link_to_a_counter_opens_it(page: Path, shown: Browser) -> None:
    print_all(shown.open(page))
    follow(shown, "visitors")
    assert shown.js("location.hash") == "#gset%3Avisitors"
    shown.call("Page.reload")
    while not shown.js("document.readyState === 'complete'"):
        pass
    assert shown.js("document.querySelector('#counter h2').textContent") == "visitors"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_the_contrast_that_weak_eyes_need(page: Path, shown: Browser, scheme: str) -> None:
    shown.open(page, scheme=scheme)
    ratio, element = shown.js(CONTRAST)
    assert ratio >= 4.5, element


def test_the_switch_overrides_the_scheme_of_the_system(page: Path, shown: Browser) -> None:
    shown.open(page, scheme="light")
    before = shown.js("getComputedStyle(document.body).backgroundColor")
    shown.js(
        "(() => { const one = document.getElementById('theme'); one.value = 'dark';"
        " one.dispatchEvent(new Event('change')); })()"
    )
    assert before == "rgb(255, 255, 255)"
    assert shown.js("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    assert shown.js(CONTRAST)[0] >= 4.5


def test_a_page_fits_a_phone(shell: Shell, page: Path, shown: Browser) -> None:
    for name in ("é" * 100, "m" * 200):
        shell.ok("increment", name, str(2**62))
    shell.ok("report", "-o", page)
    shown.open(page, width=360)
    assert shown.js("document.documentElement.scrollWidth") == 360


def test_whatever_can_be_used_has_a_name_for_screen_readers(page: Path, shown: Browser) -> None:
    shown.open(page)
    nodes = [one for one in shown.call("Accessibility.getFullAXTree")["nodes"] if not one["ignored"]]
    used = {"button", "searchbox", "combobox", "image", "table", "columnheader", "link", "heading"}
    roles = [(one["role"]["value"], one.get("name", {}).get("value")) for one in nodes]
    assert used <= {role for role, _ in roles}
    assert [role for role, name in roles if role in used and not name] == []


def test_a_page_asks_for_nothing_and_reports_no_error(page: Path, shown: Browser) -> None:
    shown.open(page)
    requests = [one["params"]["request"]["url"] for one in shown.events if one["method"] == "Network.requestWillBeSent"]
    assert requests == [page.resolve().as_uri()]
    assert troubles(shown) == []


def test_policy_of_a_page_stops_other_scripts_and_requests(page: Path, shown: Browser) -> None:
    shown.open(page)
    shown.js(
        "(() => { const one = document.createElement('script'); one.textContent = 'window.ran = 1';"
        " document.body.append(one); document.body.append(Object.assign(new Image(), { src: 'x.png' })); })()"
    )
    assert shown.js("window.ran === undefined")
    assert len(troubles(shown)) == 2


@pytest.mark.parametrize("texts", [HOSTILE, HOSTILE[:1], HOSTILE[1:2]], ids=["all", "end of script", "begin of script"])
def test_hostile_labels_are_texts(shell: Shell, replica: Replica, shown: Browser, texts: list[str]) -> None:
    """Some end what others begin, so all together could hide each of them."""
    with replica.batch() as batch:
        for text in texts:
            batch.increment("counted", labels={"by": text})
    shell.ok("report", "-o", "report.html")
    shown.open(shell.directory / "report.html")
    print_all(shown)
    assert {row[0] for row in cells(shown, "#parts .two > :nth-child(1)")} == {text.replace(",", "") for text in texts}
    assert_harmless(shown)


def test_hostile_names_are_texts(shell: Shell, replica: Replica, shown: Browser) -> None:
    names = {text for text in HOSTILE if not {*"{}="} & {*text}}
    with replica.batch() as batch:
        for name in names:
            batch.increment(name)
    shell.ok("report", "-o", "report.html")
    print_all(shown.open(shell.directory / "report.html"))
    assert {row[0] for row in cells(shown, "#counters")} == names
    assert_harmless(shown)


def test_ten_thousand_series_have_few_rows_at_a_time(shell: Shell, replica: Replica, shown: Browser) -> None:
    with replica.batch() as batch:
        for number in range(10_000):
            batch.increment("hits", number + 1, labels={"user": f"{number:05}"})
    shell.ok("report", "-o", "report.html")
    page = shell.directory / "report.html"
    assert page.stat().st_size < 2**20
    shown.open(page)
    assert cells(shown, "#parts .two")[0] == ["09999", "10000"]
    assert shown.js("document.querySelectorAll('tr').length") < 100
    assert "1 to 20 of 10,000" in shown.js("document.querySelector('#parts .tools').textContent")


def assert_harmless(shown: Browser) -> None:
    assert shown.js("[document.scripts.length, document.images.length]") == [2, 0]
    assert troubles(shown) == []


def troubles(shown: Browser) -> list[str]:
    """Return the names of the errors, dialogs and violations of the policy that the browser reported."""
    bad = ("Runtime.exceptionThrown", "Page.javascriptDialogOpening", "Log.entryAdded", "Runtime.consoleAPICalled")
    return [one["method"] for one in shown.events if one["method"] in bad]


# Without one -------------------------------------------------------------------------------------------------


def test_without_a_file_the_page_is_printed(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", BIG)
    for words in ((), ("-o", "-")):
        page = shell.ok("report", *words)
        assert data_of(page)["counters"][0]["value"] == str(BIG)
        assert data_of(page)["replica"] == replica.id


def test_selectors_choose_the_series(shell: Shell, replica: Replica) -> None:
    for spelling in ('failed{os="linux"}', 'failed{os="mac"}', "page.a", "page.b"):
        replica.increment(spelling)
    for words, expected in (
        (["page.*", "page.a"], [[0, {}, 1], [1, {}, 1]]),
        (["failed", "--where", "os=mac"], [[0, {"os": "mac"}, 1]]),
        (["--where", "os=mac"], [[0, {"os": "mac"}, 1]]),
    ):
        assert data_of(shell.ok("report", *words))["series"] == expected
    assert "no counter matches 'x*'" in assert_refused(shell("report", "x*"), 66)


def test_union_of_sets_is_not_their_sum(shell: Shell, replica: Replica) -> None:
    replica.add('seen{day="1",os="a"}', "ada", "grace")
    replica.add('seen{day="2",os="a"}', "ada")
    (seen,) = data_of(shell.ok("report"))["counters"]
    assert seen["value"] == 2
    assert seen["labels"] == {"day": [["1", 2], ["2", 1]], "os": [["a", 2]]}


@pytest.mark.parametrize("old", [b"", b"<!doctype html><!-- crdtctl report -->old"])
def test_an_older_report_is_replaced(shell: Shell, replica: Replica, old: bytes) -> None:
    target = shell.directory / "report.html"
    target.write_bytes(old)
    assert shell.ok("report", "-o", target) == ""
    assert data_of(target.read_bytes())["replica"] == replica.id
    assert [one.name for one in shell.directory.iterdir() if "report" in one.name] == ["report.html"]


def test_whatever_else_is_there_is_kept(shell: Shell, replica: Replica) -> None:
    (shell.directory / "folder").mkdir()
    (shell.directory / "notes.html").write_text("<!doctype html>my notes")
    before = contents(shell.directory)
    assert "notes.html is there, and is not a report" in assert_refused(shell("report", "-o", "notes.html"), 73)
    assert "folder is a directory" in assert_refused(shell("report", "-o", "folder"), 73)
    assert "is inside a replica's directory" in assert_refused(shell("report", "-o", f"{replica.path}/x.html"), 73)
    assert contents(shell.directory) == before


# Charts ------------------------------------------------------------------------------------------------------


def chart(shell: Shell, *words: str) -> tuple[list[str], list[tuple[float, float]]]:
    """Return the texts of a chart, and the width and the height of its bars or columns."""
    root = ET.fromstring(shell.ok("report", "--format", "svg", *words))
    texts = [one.text or "" for one in root.iter(f"{SVG}text")]
    return texts, [(float(one.attrib["width"]), float(one.attrib["height"])) for one in root.iter(f"{SVG}rect")]


def test_chart_of_several_counters_has_a_bar_for_each(shell: Shell, replica: Replica) -> None:
    replica.increment("a", 5)
    replica.increment("b", 10)
    replica.decrement("c", 3)
    texts, bars = chart(shell)
    assert texts == ["Counters", "b", "10", "a", "5", "c", "-3"]
    assert [width for width, _ in bars] == [260.0, 130.0, 0.0]


def test_chart_has_at_most_twenty_bars(shell: Shell, replica: Replica) -> None:
    with replica.batch() as batch:
        for number in range(30):
            batch.increment("hits", BIG + number, labels={"user": f"{number:02}"})
    texts, bars = chart(shell, "hits")
    assert texts[:3] == ["hits, the largest 20 of 30", "user=29", f"{BIG + 29:,}"]
    assert len(bars) == 20


def test_chart_of_a_counter_with_periods_has_its_days(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "builds", "--every", "day")
    for ago, amount in ((10, "20"), (4, "5")):
        shell.ok("increment", "builds", amount, "--at", str(noon(ago)))
    texts, columns = chart(shell, "builds")
    assert texts == ["builds per day", "up to 20", day(10), day(4)]
    assert [height for _, height in columns] == [128.0, 32.0]


def test_hostile_texts_are_texts_of_a_chart(shell: Shell, replica: Replica) -> None:
    for text in HOSTILE:
        replica.increment("counted", labels={"by": text})
    replica.increment("other")
    names = {text[3:] for text in chart(shell, "counted")[0][1::2]}
    assert names == {text if len(text) <= 29 else f"{text[:28]}…" for text in HOSTILE}


def test_chart_without_counters_is_one_too(shell: Shell, replica: Replica) -> None:
    assert chart(shell) == (["Counters"], [])


def test_page_and_chart_replace_each_other(shell: Shell, replica: Replica) -> None:
    shell.ok("report", "-o", "report")
    shell.ok("report", "-f", "svg", "-o", "report")
    assert (shell.directory / "report").read_bytes().startswith(b"<!-- crdtctl report --><svg ")
    shell.ok("report", "-o", "report")
    assert "unknown format 'png'" in assert_refused(shell("report", "-f", "png"), 2)


# On disk -----------------------------------------------------------------------------------------------------


def test_full_disk_leaves_the_older_report(shell: Shell, replica: Replica) -> None:
    """A limit for the size of files is a disk without space."""
    shell.ok("report", "-o", "report.html")
    before = contents(shell.directory)
    assert_refused(in_sh(shell, "ulimit -f 8; crdtctl report -o report.html"), 74)
    assert contents(shell.directory) == before
