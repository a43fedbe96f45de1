#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where settings come from and which is stronger."""
import json

import harness

CONFIG = "synctalk.json"


class Sources(harness.Case):
    def config(self, value):
        text = value if isinstance(value, str) else json.dumps(value)
        (self.dir / CONFIG).write_text(text)

    def settings(self, *options, **env):
        return json.loads(self.good("generate", "--show-settings", "--json", *options, env=env))

    def value(self, name, *options, **env):
        entry = self.settings(*options, **env)[name]
        return entry["value"], entry["source"]

    def test_strength(self):
        env = {"SYNCTALK_CRF": 33}
        self.assertEqual(self.value("crf"), ("18", "default"))
        self.assertEqual(self.value("crf", "--preset", "fast"), ("23", "preset"))
        self.assertEqual(self.value("crf", "--preset", "fast", **env), ("33", "environment"))
        self.config({"crf": 20})
        self.assertEqual(self.value("crf", "--preset", "fast", **env), ("20", CONFIG))
        self.assertEqual(self.value("crf", "--preset", "fast", "--crf", "7", **env),
                         ("7", "option"))

    def test_the_preset_may_come_from_anywhere(self):
        self.assertEqual(self.value("max-lines", SYNCTALK_PRESET="fast"), ("720", "preset"))
        self.config({"preset": "high_quality"})
        self.assertEqual(self.value("crf", SYNCTALK_PRESET="fast"), ("14", "preset"))
        self.assertEqual(self.value("crf", "--preset", "low_memory"), ("20", "preset"))

    def test_order_on_the_line_does_not_matter_to_the_preset(self):
        for options in (["--crf", "5", "--preset", "fast"], ["--preset", "fast", "--crf", "5"]):
            self.assertEqual(self.value("crf", *options)[0], "5")

    def test_the_last_of_equals_wins(self):
        self.assertEqual(self.value("crf", "--crf", "5", "--crf=6")[0], "6")
        self.assertEqual(self.value("loop-back", "--loop-back", "--no-loop-back")[0], "off")

    def test_switches(self):
        self.assertEqual(self.value("loop-back", SYNCTALK_LOOP_BACK="yes")[0], "on")
        self.assertEqual(self.value("loop-back", "--no-loop-back", SYNCTALK_LOOP_BACK="1"),
                         ("off", "option"))
        self.config({"loop-back": True, "parsing": False})
        self.assertEqual(self.value("loop-back"), ("on", CONFIG))
        self.assertEqual(self.value("parsing"), ("off", CONFIG))

    def test_letters(self):
        shown = self.settings("-ym", "anna", "-t2", "-pfast")
        self.assertEqual([shown[n]["value"] for n in ("overwrite", "model", "threads", "preset")],
                         ["on", "anna", "2", "fast"])

    def test_root_leads_to_the_file(self):
        (self.dir / "project").mkdir()
        (self.dir / "project" / CONFIG).write_text('{"start-frame": 9, "models": "nets"}')
        self.config({"start-frame": 1})
        self.assertEqual(self.value("start-frame", "--root", "project")[0], "9")
        self.assertEqual(self.value("start-frame", SYNCTALK_ROOT="project")[0], "9")
        self.assertEqual(self.value("start-frame", "--root", ".", SYNCTALK_ROOT="project")[0], "1")
        self.assertEqual(self.value("models", "--root", "project")[0], "project/nets")
        self.assertEqual(self.value("models", SYNCTALK_MODELS="elsewhere")[0], "elsewhere")

    def test_an_empty_variable_is_not_set(self):
        self.assertEqual(self.value("crf", SYNCTALK_CRF="")[0], "18")

    def test_numbers_and_words_in_the_file(self):
        self.config({"checkpoint": 7, "cpu-mask": "0x3", "blend": "face", "model": "anna"})
        shown = self.settings()
        self.assertEqual([shown[n]["value"] for n in ("checkpoint", "cpu-mask", "blend", "model")],
                         ["7", "0x3", "face", "anna"])
        self.config({"checkpoint": "latest", "cpu-mask": 1})
        self.assertEqual(self.value("checkpoint"), ("latest", CONFIG))

    def test_faults_of_the_file(self):
        for text, says in [
                ('{"cfr": 20}', ["cfr", 'did you mean "crf"']),
                ('{"start_frame": 2}', ["start_frame", 'did you mean "start-frame"']),
                ('{"zzzzzz": 2}', "zzzzzz"),
                ('{"no-loop-back": true}', "no-loop-back"),
                ('{"crf": "20"}', ["crf", "a string", "a whole number"]),
                ('{"crf": 20.5}', ["crf", "a fraction", "a whole number"]),
                ('{"crf": null}', ["crf", "null"]),
                ('{"crf": 52}', ["crf", '"52"', "0 to 51"]),
                ('{"crf": 99999999999999999999}', CONFIG),
                ('{"loop-back": 1}', ["loop-back", "a number", "true or false"]),
                ('{"preset": "fats"}', ["preset", "fats", "low_memory"]),
                ('{"model": ["a"]}', ["model", "a list", "a string"]),
                ('{"model": ""}', ["model", "empty"]),
                ('{"root": "x"}', "root"),
                ('{"crf": 20, "crf": 21}', "line 1"),
                ('{"crf": 20', "line 1"),
                ("", CONFIG),
                ("[1]", ["a list", "object"]),
                ('{"crf": \x00}', CONFIG),
                ("[" * 100000, CONFIG),
                ("{" + " " * (1 << 20) + "}", "1048576")]:
            self.config(text)
            with self.subTest(text=text[:40]):
                self.refused(1, "generate", "--show-settings", says=says)
        (self.dir / CONFIG).unlink()
        (self.dir / CONFIG).mkdir()
        self.refused(1, "generate", "--show-settings", says=CONFIG)

    def test_faults_of_the_environment(self):
        self.refused(2, "generate", "--show-settings", env={"SYNCTALK_CRF": "x"},
                     says=["SYNCTALK_CRF", '"x"', "0 to 51"])
        self.refused(2, "generate", "--show-settings", env={"SYNCTALK_PRESET": "x"},
                     says=["SYNCTALK_PRESET", "low_memory"])

    def test_a_variable_spelt_wrong_is_named(self):
        done = self.run_command("generate", "--show-settings", env={"SYNCTALK_CFR": "1"})
        self.assertEqual(done.returncode, 0)
        self.assertIn("SYNCTALK_CFR", done.stderr)
        done = self.run_command("generate", "--show-settings", "-q", env={"SYNCTALK_CFR": "1"})
        self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    harness.main()
