#!/usr/bin/env python3
"""Tests of the parts of compare.py that only compute: parsing, selection, ratios, verdicts, the page, the charts."""

import json
import os
import tempfile
import unittest

import charts
import counters
import document
import measure
import programs
import records
import suite
import table

HERE = os.path.dirname(os.path.abspath(__file__))


def fake_record(name, servers, control=1.0, **fields):
    """Returns a record of a row whose servers have these CPU times, in µs, in each of four pairs."""
    row = next(row for row in table.ROWS if row.name == name)
    base = servers[row.base]
    return {
        "row": name,
        "title": row.title,
        "kind": row.kind,
        "base": row.base,
        "date": "2026-01-02",
        "commit": "0123456789ab",
        "machine": {"cpu": "a CPU", "cpus": 2, "virtual": True, "kernel": "Linux 1.2", "system": "Debian"},
        "method": {"pairs": 15, "slice_seconds": 0.5, "server_cpus": "0", "load_cpus": "1"},
        "servers": {
            server: {
                "cpu_us": [cpu] * 4,
                "rate": [1e6 / cpu] * 4,
                "busy": [1.0] * 4,
                **{key: [cpu * 10 * (i + 1)] * 4 for i, key in enumerate(measure.PERCENTILES)},
            }
            for server, cpu in servers.items()
        },
        "control": {"cpu_us": [base * control] * 4, "p999_us": [base * 40] * 4},
        "skipped": {},
        "versions": {},
        **fields,
    }


def fake_memory(name, values):
    record = fake_record(name, {row.base: 1.0 for row in table.ROWS})
    record["servers"] = {server: {"bytes": [value]} for server, value in values.items()}
    del record["control"]
    return record


class TableTest(unittest.TestCase):
    def test_names_are_unique_and_every_row_can_be_run(self):
        names = [row.name for row in table.ROWS] + table.GROUPS
        # A group may have the name of its only row.
        for row in table.ROWS:
            same = [name for name in names if name == row.name]
            self.assertTrue(len(same) == 1 or row.group == row.name, row.name)
        self.assertEqual(len({s.name for s in table.SERVERS}), len(table.SERVERS))
        for row in table.ROWS:
            servers = table.servers_of(row)
            self.assertEqual(servers[0].name, row.base)
            self.assertTrue(any(s.name in table.OURS for s in servers), row.name)
            for bar in row.bars:
                self.assertTrue({bar.server, bar.versus or row.base} <= {s.name for s in servers}, row.name)
            self.assertIn(row.group, document.TITLES)

    def test_select_takes_groups_and_rows_in_the_order_of_the_table(self):
        names = [row.name for row in table.select(["http-hello", "udp"])]
        self.assertEqual(names, ["udp-64", "udp-64-16", "http-hello"])
        self.assertEqual(table.select([]), table.ROWS)
        with self.assertRaises(KeyError):
            table.select(["htp"])

    def test_a_peer_has_a_protocol_a_name_and_a_command(self):
        peer = table.parse_peer("mine=/bin/mine --port={port} a=b")
        self.assertEqual(peer, table.Server("mine", "mine", {"echo": (None, "/bin/mine --port={port} a=b")}))
        self.assertEqual(list(table.parse_peer("http:mine=x").commands), ["http"])
        for text in ("mine", "=x", "mine=", "ftp:mine=x", "mine= "):
            with self.assertRaises(ValueError, msg=text):
                table.parse_peer(text)

    def test_a_peer_joins_the_rows_of_its_protocol(self):
        peer = table.parse_peer("http:mine=x")
        joined = [row.name for row in table.ROWS if peer in table.servers_of(row, [peer])]
        self.assertEqual(joined, ["http-hello", "http-pipelined", "http-latency"])


class ProgramsTest(unittest.TestCase):
    def test_the_version_of_go_decides_whether_it_is_used(self):
        parse = programs.parse_go_version
        self.assertEqual(parse("go version go1.21.3 linux/amd64"), (1, 21))
        self.assertLess(parse("go version go1.19.8 linux/amd64"), programs.GO_MIN)
        self.assertIsNone(parse("no go here"))

    def test_versions_come_from_what_programs_print(self):
        self.assertEqual(programs.first_version("nginx version: nginx/1.22.1"), "1.22.1")
        self.assertEqual(programs.first_version("HAProxy version 2.6.12-1+deb12u4 2026/10/17"), "2.6.12")
        with open(os.path.join(HERE, "peers", "rust", "Cargo.lock"), encoding="utf-8") as lock:
            self.assertRegex(programs.cargo_version_of(lock.read(), "tokio"), r"^1\.\d+\.\d+$")

    def test_a_program_that_is_not_built_is_missing_by_name(self):
        found = programs.Programs("/nonexistent", "/nonexistent")
        for name, words in (("//examples/kv:kv", "//examples/kv:kv is not built"),):
            with self.assertRaisesRegex(programs.Missing, words):
                found.path(name)


class CountersTest(unittest.TestCase):
    def test_perf(self):
        text = "# started on ...\n\n29;;raw_syscalls:sys_enter;1104257;100.00;;\n"
        self.assertEqual(counters.parse_perf(text), 29)
        self.assertIsNone(counters.parse_perf("<not supported>;;raw_syscalls:sys_enter;0;100.00;;\n"))

    def test_strace(self):
        text = (
            "% time     seconds  usecs/call     calls    errors syscall\n"
            "------ ----------- ----------- --------- --------- ----------------\n"
            " 60.00    0.001000           1       100         3 recvfrom\n"
            " 40.00    0.000500           1        50           sendto\n"
            "------ ----------- ----------- --------- --------- ----------------\n"
            "100.00    0.001500           1       150         3 total\n"
        )
        self.assertEqual(counters.parse_strace(text), 150)
        self.assertEqual(counters.parse_strace(text.replace("         3 total", "           total")), 150)
        self.assertIsNone(counters.parse_strace(""))

    def test_switches_of_both_kinds_count(self):
        text = "Name:\tx\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t5\n"
        self.assertEqual(counters.parse_switches(text), 12)


class MeasureTest(unittest.TestCase):
    def test_each_server_has_each_position_equally_often(self):
        orders = [measure.rotated(["a", "b", "c"], i) for i in range(6)]
        for position in range(3):
            self.assertEqual(sorted(order[position] for order in orders), ["a", "a", "b", "b", "c", "c"])

    def test_a_sample_adds_slices_up(self):
        slices = [
            {
                "server_cpu_ns": cpu,
                "requests": 100,
                "window_ns": 1000000,
                "lost": 1,
                "overdue": 2,
                "p50_us": 1,
                "p90_us": 2,
                "p99_us": 3,
                "p999_us": p999,
            }
            for cpu, p999 in ((500000, 10), (700000, 30))
        ]
        sample = measure.sample_of(slices)
        self.assertAlmostEqual(sample.cpu_us, 6.0)
        self.assertAlmostEqual(sample.busy, 0.6)
        self.assertAlmostEqual(sample.rate, 100000)
        self.assertEqual((sample.p999_us, sample.lost, sample.overdue), (20, 2, 4))

    def test_ratios_are_those_of_pairs(self):
        # The medians alone would give 2.5 / 2.5.
        low, ratio, high = measure.pair_ratios([1, 2, 3, 4], [2, 4, 3, 1])
        self.assertEqual((low, ratio, high), (0.5, 0.75, 1.75))


class RecordsTest(unittest.TestCase):
    def test_a_record_survives_its_file_and_numbers_share_a_line(self):
        record = fake_record("echo-64", {"floor-lt": 10.0, "evnet": 9.0})
        text = records.to_text(record)
        self.assertEqual(json.loads(text), record)
        self.assertIn('"cpu_us": [ 9.0, 9.0, 9.0, 9.0 ]', text)
        with tempfile.TemporaryDirectory() as directory:
            records.save(directory, record)
            self.assertEqual(records.load(directory, table.ROWS), {"echo-64": record})

    def test_a_bar_is_met_missed_or_unknown(self):
        bar = table.bar("evnet", "floor-lt", 1.03)
        row = "echo-64"
        self.assertEqual(records.verdict(fake_record(row, {"floor-lt": 10.0, "evnet": 10.3}), bar)[1], "met")
        self.assertEqual(records.verdict(fake_record(row, {"floor-lt": 10.0, "evnet": 10.4}), bar)[1], "missed")
        self.assertIsNone(records.verdict(fake_record(row, {"floor-lt": 10.0}), bar))
        noisy = fake_record(row, {"floor-lt": 10.0, "evnet": 9.0}, control=1.04)
        self.assertEqual(records.verdict(noisy, bar)[1], "control off")
        self.assertFalse(records.holds(noisy, "cpu_us"))

    def test_a_bar_of_a_rate_is_a_least_value(self):
        bar = table.bar("evnet-busy", "floor-lt", least=3.0, measure="rate")
        record = fake_record("echo-one", {"floor-lt": 60.0, "evnet-busy": 19.0})
        self.assertEqual(records.verdict(record, bar)[1], "met")
        record = fake_record("echo-one", {"floor-lt": 60.0, "evnet-busy": 21.0})
        self.assertEqual(records.verdict(record, bar)[1], "missed")

    def test_a_bar_of_memory_is_absolute(self):
        bar = table.bar("evnet", None, 128, measure="bytes")
        self.assertEqual(records.verdict(fake_memory("idle-memory", {"floor-lt": 32, "evnet": 128}), bar), (128, "met"))
        self.assertEqual(records.verdict(fake_memory("idle-memory", {"floor-lt": 32, "evnet": 129}), bar)[1], "missed")

    def test_columns_of_zeros_are_omitted(self):
        sample = measure.Sample(1.23456789, 2, 1, 1, 1, 1, 1, 0, 0)
        self.assertEqual(records.columns([sample])["cpu_us"], [1.2346])
        self.assertNotIn("lost", records.columns([sample]))


class SuiteTest(unittest.TestCase):
    def test_a_key_has_16_bytes_and_a_value_64(self):
        for i in (0, 999999):
            parts = suite.set_command(i).split(b"\r\n")
            self.assertEqual([len(parts[4]), len(parts[6])], [16, 64])


class DocumentTest(unittest.TestCase):
    def test_numbers_have_about_three_digits(self):
        texts = [document.number(value) for value in (None, 0.011, 1.2345, 12.345, 123.45, 12345.6)]
        self.assertEqual(texts, ["–", "0.01", "1.23", "12.3", "123", "12,346"])

    def test_a_row_is_shown_with_its_ratio_and_its_counters(self):
        record = fake_record("echo-64", {"floor-lt": 10.0, "evnet": 9.0})
        record["counters"] = {"evnet": {"syscalls": 2.1, "switches": 0.01}}
        page = document.text(table.ROWS, {"echo-64": record})
        self.assertIn("| evnet | 9.00 | 0.90 (0.90–0.90) | 2.10 | 0.01 | 111,111 | 270 |\n", page)
        self.assertIn("| TCP echo, 64 B, 50 connections | CPU | evnet | ≤ 1.03 of floor-lt | 0.900 | met |\n", page)
        self.assertIn("Base: floor-lt, 2026-01-02, commit 0123456789ab, 15 pairs of 0.5 s, control 1.000.", page)
        self.assertIn("Rows without a valid run: `echo-64-1000`", page)

    def test_a_rate_is_only_shown_if_the_server_was_the_limit(self):
        record = fake_record("echo-64", {"floor-lt": 10.0, "evnet": 9.0})
        record["servers"]["evnet"]["busy"] = [0.5] * 4
        self.assertIn("| evnet | 9.00 | 0.90 (0.90–0.90) | – | – | – | 270 |\n", document.text(table.ROWS, {"echo-64": record}))

    def test_lost_datagrams_are_shown(self):
        record = fake_record("udp-64", {"floor-lt": 10.0, "evnet": 10.0})
        self.assertEqual(document.lost_sentence(record), "")
        # 100,000 requests/s in four pairs of 0.5 s, and 2,000 lost ones.
        record["servers"]["evnet"]["lost"] = [500] * 4
        page = document.text(table.ROWS, {"udp-64": record})
        self.assertIn("Datagrams without a reply within 0.2 s: evnet 0.99 %.\n", page)

    def test_a_server_that_was_skipped_is_named(self):
        record = fake_record("echo-64", {"floor-lt": 10.0, "evnet": 9.0}, skipped={"gnet": "go is not installed"})
        self.assertIn("- gnet did not take part in `echo-64`.\n", document.text(table.ROWS, {"echo-64": record}))

    def test_without_results_there_is_no_figure(self):
        page = document.text(table.ROWS, {})
        self.assertIn("Nothing has been measured yet.", page)
        self.assertNotIn("| evnet", page)

    def test_the_page_and_the_charts_of_the_tree_show_its_results(self):
        docs = os.path.join(os.path.dirname(HERE), "docs")
        saved = records.load(os.path.join(HERE, "results"), table.ROWS)
        hint = "run `bazel run //benchmarks:compare -- --report`"
        with open(os.path.join(docs, "benchmarks.md"), encoding="utf-8") as page:
            self.assertEqual(page.read(), document.text(table.ROWS, saved), hint)
        for chart in charts.charts_of(saved):
            with open(os.path.join(docs, chart.file), encoding="utf-8") as svg:
                self.assertTrue(charts.shows(svg.read(), chart), "%s: %s" % (chart.file, hint))


class ChartsTest(unittest.TestCase):
    SAVED = {
        "echo-64": fake_record("echo-64", {"floor-lt": 10.0, "evnet": 9.0}),
        "echo-latency": fake_record("echo-latency", {"floor-lt": 10.0, "evnet": 9.0}, rate=1000),
        "idle-memory": fake_memory("idle-memory", {"floor-lt": 32, "evnet": 128}),
    }

    def test_charts_have_the_rows_that_were_measured(self):
        drawn = charts.charts_of(self.SAVED)
        self.assertEqual([chart.group for chart in drawn], ["echo", "echo", "memory"])
        self.assertEqual(drawn[0].panels[0].bars[1], charts.Bar("evnet", 0.9, 0.9, 0.9))
        self.assertEqual(drawn[1].panels[0].lines["evnet"], [90.0, 180.0, 270.0, 360.0])
        self.assertEqual(drawn[2].panels[0].bars[1].value, 128)

    def test_a_server_that_does_not_sustain_the_rate_has_no_line(self):
        record = fake_record("echo-latency", {"floor-lt": 10.0, "evnet": 9.0, "go-net": 50.0}, rate=1000)
        record["servers"]["evnet"]["overdue"] = [20] * 4  # 4 % of 500
        record["servers"]["go-net"]["overdue"] = [30] * 4
        panel = charts.charts_of({"echo-latency": record})[0].panels[0]
        self.assertEqual(list(panel.lines), ["floor-lt", "evnet"])
        self.assertIn("not shown: Go net", panel.title)

    def test_a_chart_tells_that_its_data_changed(self):
        old = charts.charts_of(self.SAVED)[0]
        svg = charts.with_schemes('<?xml?><svg width="1">x</svg>', old)
        self.assertTrue(charts.shows(svg, old))
        new = charts.charts_of({"echo-64": fake_record("echo-64", {"floor-lt": 10.0, "evnet": 9.1})})[0]
        self.assertFalse(charts.shows(svg, new))

    def test_colours_for_dark_readers_replace_those_for_light_ones(self):
        svg = charts.with_schemes('<svg width="1">x</svg>', charts.charts_of(self.SAVED)[0])
        self.assertIn('[style*="fill: #24292f"]{fill:#e6edf3 !important}', svg)
        self.assertIn("prefers-color-scheme: dark", svg)


if __name__ == "__main__":
    unittest.main()
